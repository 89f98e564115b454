import pytest

from panoptic_ros.node.text import publishable


@pytest.mark.parametrize(('text', 'expected'), [
    ('Straße', 'Straße'), ('\ud800', '\\ud800'), ('a\0b', 'a\\x00b'), (ValueError('why'), 'why'),
    ('x' * 30, 'x' * 20 + '... (30 characters)')])
def test_what_ros_can_hold(text, expected):
    assert publishable(text, 20) == expected
