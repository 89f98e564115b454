"""The state of a camera, and the log lines and statuses that tell it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any, NamedTuple

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.qos import ReliabilityPolicy

from .camera import Camera
from .mishaps import publishable
from .record import Lately, Latency
from .settings import Settings

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class State(Enum):
    """The state of a camera, as a consumer of its labels sees it."""

    RESTING = 'resting'
    """The node is not active."""
    WAITING = 'waiting'
    """No image has come yet."""
    RUNNING = 'running'
    """Images come, and labels come."""
    REJECTED = 'rejected'
    """The newest image was not usable."""
    OVERDUE = 'overdue'
    """Images come, but no labels."""
    STALLED = 'stalled'
    """The topic has a publisher, but images come no more."""
    LEFT = 'left'
    """Images came, but the topic has no publisher any more: a driver ended, or a bag."""


class Condition(NamedTuple):
    """A state, and the text about it; the text is empty if all is well."""

    state: State
    text: str = ''
    since: float = 0.0
    """Seconds for which images or labels have been missing."""


def look_at(camera: Camera, lately: Lately, settings: Settings) -> Condition:
    """Return the worst condition that a camera is in."""
    silence = camera.silence
    if not camera.subscription.active:
        return Condition(State.RESTING, 'no images are taken while the node is not active')
    if camera.last_arrival is None:
        return Condition(State.WAITING, _missing(camera, silence), silence)
    silent = silence > settings.stall_timeout
    if silent and not camera.subscription.publisher_count:
        return Condition(State.LEFT, f'its publisher has left: the last image came {silence:.1f} '
                         's ago', silence)
    overdue = camera.freshness.overdue(time.perf_counter())
    if camera.rejection is not None:    # images that also come seldom are still one fault
        also = f'; the last image came {silence:.1f} s ago' if silent else ''
        return Condition(State.REJECTED, f'image rejected: {camera.rejection}{also}', overdue)
    if silent:
        return Condition(State.STALLED, f'stalled: the last image came {silence:.1f} s ago',
                         silence)
    if overdue > settings.label_timeout:
        return Condition(State.OVERDUE, f'images come, but no labels for {overdue:.1f} s: '
                         f'{_cause(camera, lately)}', overdue)
    return Condition(State.RUNNING)


def _missing(camera: Camera, silence: float) -> str:
    publishers, topic = camera.subscription.publisher_count, camera.subscription.topic
    cause = (f'its {publishers} publishers are silent, of another type or of another QoS'
             if publishers else f'nobody publishes it: remap {topic.own} to the camera')
    return f'no image yet on {topic.name} after {silence:.0f} s; {cause}'


def _cause(camera: Camera, lately: Lately) -> str:
    """Return the likeliest reason why no labels come."""
    seconds, decoding = camera.worked(time.perf_counter()), camera.converter.busy
    if decoding:
        return f'an image of {seconds:.1f} s ago is still being decoded'
    if seconds > 1.0:
        return f'a frame has been at work for {seconds:.1f} s'
    if lately.new.failed:
        return 'every frame is lost, see the status of the engine'
    if lately.new.stale:
        return 'every frame is older than max_age when its turn comes'
    return 'the engine is busy with other cameras'


class Teller:
    """
    Logs a camera's state once, when it changes.

    Parameters
    ----------
    logger
        A logger of rclpy.
    topic
        The topic of the camera's images.

    """

    def __init__(self, logger: Any, topic: str) -> None:
        self._logger, self._topic = logger, topic
        self._told: State | None = None

    def tell(self, condition: Condition, patience: float) -> None:
        """
        Log a condition if its state is new.

        ``Camera.reject`` logs each rejected image.  A good image may follow a rejected one.  So
        the state ``REJECTED`` counts as told only after ``patience`` seconds without a usable
        image, and only then is its end logged.
        """
        state = condition.state
        if state in (State.RESTING, State.WAITING):
            self._told = None
        elif state is State.RUNNING:
            if self._told is not None:
                self._logger.info(_END[self._told].format(self._topic))
            self._told = None
        elif state is State.REJECTED:
            if condition.since > patience and self._told is None:
                self._told = state
        elif state is not self._told:
            self._told = state
            self._logger.warning(_BEGIN[state].format(self._topic, condition))


_BEGIN = {State.OVERDUE: '{0}: {1.text}',
          State.STALLED: 'no image on {0} for {1.since:.1f} s: the camera has stalled',
          State.LEFT: 'the publisher of {0} has left: no image for {1.since:.1f} s'}
_END = {State.REJECTED: 'images on {} are usable again', State.OVERDUE: '{} has labels again',
        State.STALLED: 'images on {} come again', State.LEFT: 'images on {} come again'}


LEVELS = {State.RESTING: OK, State.WAITING: WARN, State.RUNNING: OK, State.REJECTED: ERROR,
          State.OVERDUE: ERROR, State.STALLED: ERROR, State.LEFT: ERROR}
"""The level of each state; in the states with ERROR, a vehicle that needs the labels has none."""

_CURES = {
    ReliabilityPolicy.BEST_EFFORT:
        'publish them reliable, or raise net.core.rmem_max to 8388608 and start the camera with '
        'config/fastdds.xml, see docs/performance.md',
    ReliabilityPolicy.RELIABLE:
        'the publisher overwrites what is not delivered yet; give its QoS more depth, or start it '
        'with config/fastdds.xml, see docs/performance.md'}


def camera_status(camera: Camera, condition: Condition, rate: float,
                  settings: Settings) -> DiagnosticStatus:
    """Return the status of a camera: its worst condition, and what to do about it."""
    (state, text, since), source = condition, camera.subscription
    level = LEVELS[state]
    if state is State.WAITING and since < settings.stall_timeout:
        level = OK
    if state is State.RUNNING:
        warning = camera.stamp and camera.stamp.doubt(settings.max_stamp_age)
        level = WARN if warning else OK
        text = warning or f'{rate:.1f} Hz, {camera.format or "first image at work"}'
    values: dict[str, object] = {
        'state': state.value, 'topic': source.topic.name, 'transport': source.transport,
        'publishers': source.publisher_count, 'reliability': source.reliability.name.lower(),
        'rate [Hz]': f'{rate:.1f}', 'format': camera.format or 'unknown'}
    if camera.last_arrival is not None:
        values['since last image [s]'] = f'{camera.silence:.2f}'
    age = camera.freshness.age(time.perf_counter())
    if age is not None:
        values['age of newest labels [s]'] = f'{age:.2f}'
    if camera.stamp is not None:
        values['stamp age [s]'] = f'{camera.stamp.age:.3f}'
    return new_status('camera', level, text, values, source.topic.name)


def latency_status(latency: Mapping[str, Latency], frames: int, limit: float,
                   at_work: float = 0.0) -> DiagnosticStatus:
    """
    Return the status of the latency: the time per stage over the last frames, in milliseconds.

    ``at_work`` is the number of seconds since the frame at work was published.  It counts as much
    as the latency of the finished frames.
    """
    values = {'limit [ms]': _ms(limit), 'frames': str(frames), 'at work [ms]': _ms(at_work)}
    for stage, times in latency.items():
        for name, seconds in asdict(times).items():
            values[f'{stage} {name} [ms]'] = _ms(seconds)
    text, worst = 'no frame segmented yet', at_work
    if total := latency.get('total'):
        text = f'p50 {_ms(total.p50)} ms, p99 {_ms(total.p99)} ms'
        worst = max(total.p99, at_work)
    if 0 < limit < worst:
        text += f', {_ms(at_work)} ms for the frame at work' if worst == at_work else ''
        return new_status('latency', WARN, f'{text}: more than the limit of {_ms(limit)} ms',
                          values)
    return new_status('latency', OK, text, values)


def counts_status(lately: Lately, settings: Settings,
                  reliability: ReliabilityPolicy) -> DiagnosticStatus:
    """
    Return the status of a camera's frames: what became of them.

    An engine that is slower than the camera drops frames by design.  The status reports these
    frames without a warning.  It warns in three cases: frames were lost in another way since the
    last report; images come, but fewer than ``min_rate`` of them are segmented in a second; or
    frames are dropped, and a consumer waits longer than ``latency_limit`` for the next labels.
    """
    numbers = asdict(lately.counts)
    text = ', '.join(f'{number} {name}' for name, number in numbers.items())
    values = numbers | {'waiting': lately.counts.waiting,
                        'received [Hz]': f'{lately.received_rate:.1f}',
                        'segmented [Hz]': f'{lately.segmented_rate:.1f}',
                        'dropped [Hz]': f'{lately.dropped_rate:.1f}',
                        'lost [Hz]': f'{lately.lost_rate:.1f}'}
    rates = f'{lately.segmented_rate:.1f} Hz are segmented of {lately.received_rate:.1f} Hz'
    limit, warnings, new = settings.latency_limit, [], lately.new
    if lately.dropped_rate:
        text = f'{rates}, {lately.dropped_rate:.1f} Hz are dropped for newer ones: {text}'
    if lately.settled and lately.segmented_rate < settings.min_rate:
        warnings.append(f'{rates}, less than min_rate, {settings.min_rate:g} Hz')
    if lately.settled and lately.dropped_rate and lately.segmented_rate * limit < 1 and limit:
        warnings.append(f'the engine is behind, labels come more seldom than every {limit:g} s: '
                        'take a faster model or machine, fewer cameras or smaller images')
    if new.lost:
        cure = _CURES.get(reliability, _CURES[ReliabilityPolicy.BEST_EFFORT])
        warnings.append(f'{new.lost} images were lost on their way to the node: {cure}')
    bad = warnings or new.rejected or new.failed or new.stale
    return new_status('frames', WARN if bad else OK, '; '.join([*warnings, text]), values)


def new_status(name: str, level: bytes, message: str, values: Mapping[str, object],
               hardware: str = '') -> DiagnosticStatus:
    """Return a status whose texts ROS can send."""
    return DiagnosticStatus(
        name=name, level=level, message=publishable(message), hardware_id=publishable(hardware),
        values=[KeyValue(key=publishable(key), value=publishable(value))
                for key, value in values.items()])


def _ms(seconds: float) -> str:
    return f'{seconds * 1e3:.1f}'
