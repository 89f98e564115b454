"""Text that UTF-8 cannot hold, or that is too long, on its way to the log and to messages."""

from types import SimpleNamespace

import pytest
from rclpy.logging import get_logger
from rclpy.serialization import serialize_message

from panoptic_ros.node.diagnostics import engine_status
from panoptic_ros.node.mishaps import LONGEST, ThrottledLog, publishable


@pytest.mark.parametrize(('text', 'expected'), [
    ('Straße', 'Straße'), ('\ud800', '\\ud800'), ('a\0b', 'a\\x00b'), (ValueError('why'), 'why'),
    ('x' * 30, 'x' * 20 + '... (30 characters)')])
def test_what_ros_can_hold(text, expected):
    assert publishable(text, 20) == expected


def test_diagnostics_can_be_sent_whatever_a_model_says():
    values = {'network': '\ud800', '\udfff': '\0', 'labels': '\ud800' * 10**6, 'GPU': '\ud800'}
    status = engine_status('\ud800', None, '', values)
    assert status.message == '\\ud800'
    assert len(serialize_message(status)) < 10 * LONGEST


def test_a_log_takes_what_a_model_says(capfd):
    ThrottledLog(get_logger('test_text')).error('kind', '\ud800')
    assert '[test_text]: \\ud800' in capfd.readouterr().err


def test_the_log_counts_what_it_does_not_repeat():
    logged = []
    log = ThrottledLog(SimpleNamespace(error=logged.append), period=0.0)
    log.error('a', 'first')
    log.error('b', 'other')
    assert logged == ['first', 'other']
    log._silenced['a'] = 7
    log.error('a', 'again')
    assert logged[-1] == 'again (and 7 like it before)'
