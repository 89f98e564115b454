"""Errors that are survived, by the executor and all other callbacks, and how they are told."""

import time
from threading import Event, Thread
from types import SimpleNamespace

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException
from rclpy.logging import get_logger
from rclpy.serialization import serialize_message
from std_msgs.msg import String
from std_srvs.srv import SetBool

from panoptic_ros.node import mishaps
from panoptic_ros.node.diagnostics import callbacks_status, engine_status
from panoptic_ros.node.mishaps import (
    LONGEST,
    GuardedExecutor,
    Mishaps,
    ThrottledLog,
    publishable,
)


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


class Log:
    def __init__(self):
        self.lines = []

    def error(self, text):
        self.lines.append(text)

    def debug(self, text):
        assert 'Traceback' in text


class Spinning:
    """A node in a process of its own kind: an executor that spins in a thread."""

    def __init__(self, domain):
        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node('guarded', context=self.context)
        self.log = Log()
        self.mishaps = Mishaps(self.log)
        self.executor = GuardedExecutor(self.mishaps, context=self.context)
        self.ended = Event()
        self.thread = Thread(target=self.spin, daemon=True)

    def start(self):
        self.executor.add_node(self.node)
        self.thread.start()

    def spin(self):
        try:
            while not self.ended.is_set():
                self.executor.spin_once(0.2)
        except ExternalShutdownException:
            self.log.lines.append('ended')

    def close(self):
        self.ended.set()
        self.thread.join(10)
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def spinning(domain):
    spinning = Spinning(domain)
    yield spinning
    spinning.close()


def fail(*_):
    raise ValueError('\ud800 is no text')


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.ros
def test_a_callback_of_each_kind_fails_and_another_goes_on(spinning):
    node, ticks = spinning.node, []
    node.create_timer(0.01, fail)
    node.create_timer(0.01, lambda: ticks.append(1))
    node.create_subscription(String, 'failing', fail, 1)
    publisher = node.create_publisher(String, 'failing', 1)
    node.create_guard_condition(fail).trigger()
    spinning.start()
    spinning.executor.create_task(fail)
    kinds = ('timer fail', 'subscription failing', 'guardcondition fail', 'executor')
    until(lambda: publisher.publish(String()) or set(kinds) <= set(spinning.mishaps.lately()))
    before = len(ticks)
    until(lambda: len(ticks) > before + 10)
    for kind in kinds:
        lines = [line for line in spinning.log.lines if line.startswith(kind)]
        assert lines == [f'{kind}: ValueError: \\ud800 is no text; the node goes on'], 'said once'


@pytest.mark.ros
def test_a_message_that_cannot_be_taken_blocks_nobody(spinning, monkeypatch):
    """In rclpy the callback, and all others of the node, count as running from then on."""
    heard, take = [], GuardedExecutor._take_subscription

    def take_one(executor, subscription):
        take(executor, subscription)
        monkeypatch.setattr(GuardedExecutor, '_take_subscription', take)
        raise RuntimeError('broken')

    monkeypatch.setattr(GuardedExecutor, '_take_subscription', take_one)
    spinning.node.create_subscription(String, 'broken', lambda m: heard.append(m.data), 1)
    publisher = spinning.node.create_publisher(String, 'broken', 1)
    spinning.start()
    until(lambda: publisher.publish(String(data='whole')) or heard)
    assert spinning.mishaps.lately() == {'subscription broken': 'RuntimeError: broken'}


@pytest.mark.ros
@pytest.mark.parametrize('answer', [
    fail, lambda _, response: SetBool.Response(message='\ud800'), lambda _, response: None])
def test_who_asks_a_service_that_fails_is_answered(spinning, client, answer):
    spinning.node.create_service(SetBool, 'failing', answer)
    spinning.start()
    response = client.call(SetBool, '/failing', SetBool.Request())
    assert response == SetBool.Response()
    assert list(spinning.mishaps.lately()) == ['service failing']


@pytest.mark.ros
def test_where_the_wait_itself_fails_it_does_not_run_hot(spinning, monkeypatch):
    monkeypatch.setattr(mishaps, 'PAUSE', 0.05)
    monkeypatch.setattr(GuardedExecutor, '_wait_for_ready_callbacks', fail)
    spinning.start()
    time.sleep(0.5)
    assert 2 < spinning.mishaps.count <= 11


@pytest.mark.ros
def test_the_end_of_the_context_ends_it(spinning):
    spinning.start()
    spinning.context.shutdown()
    until(lambda: spinning.log.lines)
    assert spinning.log.lines == ['ended']


def test_a_mishap_is_an_error_while_it_lasts(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(mishaps.time, 'monotonic', lambda: now[0])
    told = Mishaps(Log())
    assert callbacks_status(told).level == DiagnosticStatus.OK
    told.tell('timer a', 'why')
    now[0] += mishaps.LASTS - 1
    told.tell('timer b', 'x' * 10_000)
    status = callbacks_status(told)
    assert status.level == DiagnosticStatus.ERROR
    assert status.message.startswith('timer a: why; timer b: xxx')
    assert len(status.message) < 2100
    now[0] += 2
    assert list(told.lately()) == ['timer b']
    now[0] += mishaps.LASTS
    status = callbacks_status(told)
    assert status.level == DiagnosticStatus.OK
    assert {value.key: value.value for value in status.values} == {'since the start': '2'}
