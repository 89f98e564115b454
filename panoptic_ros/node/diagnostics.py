"""What the node says about itself on /diagnostics."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.qos import ReliabilityPolicy

from .camera import Camera
from .channel import Channel
from .condition import Condition, State, doubt
from .latency import Latency
from .memory import Memory
from .mishaps import Mishaps
from .parameters import Settings
from .tally import Lately
from .text import publishable

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR

SCARCE = 0.05
"""Share of memory that is left when diagnostics warn: an allocation may soon fail."""

LEVELS = {State.RESTING: OK, State.WAITING: WARN, State.RUNNING: OK, State.REJECTED: ERROR,
          State.OVERDUE: ERROR, State.STALLED: ERROR, State.LEFT: ERROR}
"""Whoever drives by the labels has none in the states of an error, whatever the reason."""

_CURES = {
    ReliabilityPolicy.BEST_EFFORT:
        'publish them reliable, or raise net.core.rmem_max to 8388608 and start the camera with '
        'config/fastdds.xml, see docs/performance.md',
    ReliabilityPolicy.RELIABLE:
        'the publisher overwrites what is not delivered yet; give its QoS more depth, or start it '
        'with config/fastdds.xml, see docs/performance.md'}


def engine_status(fault: str | None, failure: str | None, progress: str,
                  values: Mapping[str, object], hanging: float = 0.0) -> DiagnosticStatus:
    """
    Return how the engine is.

    Parameters
    ----------
    fault
        Why the model could not be loaded, or the node not be activated.
    failure
        Why the last frame was lost.
    progress
        What is done, or was, where all is well.
    values
        What else is to be known.
    hanging
        Seconds for which a frame has been at work, where that is too long.

    """
    gpu = values.get('GPU', '')
    hardware = 'CPU' if gpu == 'none' else str(gpu)
    if fault is not None:
        return _status('engine', ERROR, fault, values, hardware)
    if hanging:
        return _status('engine', ERROR, f'a frame has been at work for {hanging:.1f} s: the model '
                       'hangs, or this machine is too slow for it; where it does not end, start '
                       'the node again with another model', values, hardware)
    if failure is not None:
        return _status('engine', ERROR, f'the last frame was lost: {failure}', values, hardware)
    return _status('engine', OK, progress, values, hardware)


def build_age(built: str) -> dict[str, str]:
    """Return how long ago an engine was built, ISO 8601; nothing where none was."""
    try:
        then = datetime.fromisoformat(built)
    except ValueError:
        return {}
    age = datetime.now(timezone.utc) - (then if then.tzinfo else then.replace(tzinfo=timezone.utc))
    return {'age of build [h]': f'{age.total_seconds() / 3600:.1f}'}


def memory_status(memory: Memory, gpu: tuple[int, int] | None) -> DiagnosticStatus:
    """Return the process's memory; ``gpu`` is free and total bytes of the GPU, if there is one."""
    parts = {'resident': memory.resident, 'peak resident': memory.peak,
             'available': memory.available, 'total': memory.total}
    if gpu is not None:
        parts |= {'GPU used': gpu[1] - gpu[0], 'GPU total': gpu[1]}
    values = {f'{name} [MB]': f'{number / 1e6:.0f}' for name, number in parts.items()
              if number is not None}
    text = ', '.join(f'{values[f"{name} [MB]"]} MB {name}' for name in ('resident', 'GPU used')
                     if f'{name} [MB]' in values)
    if memory.available is not None and memory.total and (
            memory.available < SCARCE * memory.total):
        return _status('memory', WARN, f'{text}: the machine has hardly any left', values)
    if gpu is not None and gpu[0] < SCARCE * gpu[1]:
        return _status('memory', WARN, f'{text}: the GPU has hardly any left', values)
    return _status('memory', OK, text, values)


def channel_statuses(channel: Channel, condition: Condition, lately: Lately,
                     settings: Settings) -> list[DiagnosticStatus]:
    """Return how a camera is, its latency and its frames."""
    latency, now = channel.latency, time.perf_counter()
    return _named(channel.name, [
        camera_status(channel.camera, condition, lately.received_rate, settings),
        latency_status(latency.summary(), len(latency), settings.latency_limit,
                       channel.worked(now)),
        counts_status(lately, settings, channel.camera.reliability)])


def absent_statuses(name: str, topic: str, transport: str) -> list[DiagnosticStatus]:
    """Return the same of a camera while the node is not configured: what vanishes is stale."""
    return _named(name, [
        _status('camera', OK, 'not configured', {'topic': topic, 'transport': transport}, topic),
        _status('latency', OK, 'not configured', {}), _status('frames', OK, 'not configured', {})])


def _named(name: str, statuses: list[DiagnosticStatus]) -> list[DiagnosticStatus]:
    for status in statuses:
        status.name += f' {name}' if name else ''
    return statuses


def camera_status(camera: Camera, condition: Condition, rate: float,
                  settings: Settings) -> DiagnosticStatus:
    """Return how a camera is: the worst that is true of it, and what to do."""
    state, text, since = condition
    level = LEVELS[state]
    if state is State.WAITING and since < settings.stall_timeout:
        level = OK
    if state is State.RUNNING:
        warning = camera.stamp and doubt(camera.stamp, settings.max_stamp_age)
        level = WARN if warning else OK
        text = warning or f'{rate:.1f} Hz, {camera.format or "first image at work"}'
    values: dict[str, object] = {
        'state': state.value, 'topic': camera.topic, 'transport': camera.transport,
        'publishers': camera.publisher_count,
        'reliability': camera.reliability.name.lower(), 'rate [Hz]': f'{rate:.1f}',
        'format': camera.format or 'unknown'}
    if camera.last_arrival is not None:
        values['since last image [s]'] = f'{camera.silence:.2f}'
    age = camera.freshness.age(time.perf_counter())
    if age is not None:
        values['age of newest labels [s]'] = f'{age:.2f}'
    if camera.stamp is not None:
        values['stamp age [s]'] = f'{camera.stamp.age:.3f}'
    return _status('camera', level, text, values, camera.topic)


def latency_status(latency: Mapping[str, Latency], frames: int, limit: float,
                   at_work: float = 0.0) -> DiagnosticStatus:
    """
    Return the time per stage over the window of the last frames, in milliseconds.

    ``at_work`` are the seconds since the frame that has its turn now was published, which count
    as much as those of the frames that were finished.
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
        return _status('latency', WARN, f'{text}: more than the limit of {_ms(limit)} ms', values)
    return _status('latency', OK, text, values)


def counts_status(lately: Lately, settings: Settings,
                  reliability: ReliabilityPolicy) -> DiagnosticStatus:
    """
    Return what became of the frames.

    An engine that is slower than the camera drops frames by design, which is only told.  It warns
    when some were lost in another way since the last report; when images come, but fewer than
    ``min_rate`` of them are segmented in a second; and when frames are dropped and a consumer
    waits longer for the next labels than ``latency_limit``, which labels may take.
    """
    numbers = asdict(lately.counts)
    text = ', '.join(f'{number} {name}' for name, number in numbers.items())
    values = numbers | {'waiting': lately.counts.waiting,
                        'received [Hz]': f'{lately.received_rate:.1f}',
                        'segmented [Hz]': f'{lately.segmented_rate:.1f}',
                        'dropped [Hz]': f'{lately.dropped_rate:.1f}',
                        'lost [Hz]': f'{lately.lost_rate:.1f}'}
    rates = f'{lately.segmented_rate:.1f} Hz are segmented of {lately.received_rate:.1f} Hz'
    limit, warnings = settings.latency_limit, []
    if lately.dropped_rate:
        text = f'{rates}, {lately.dropped_rate:.1f} Hz are dropped for newer ones: {text}'
    if lately.settled and lately.segmented_rate < settings.min_rate:
        warnings.append(f'{rates}, less than min_rate, {settings.min_rate:g} Hz')
    if lately.settled and lately.dropped_rate and lately.segmented_rate * limit < 1 and limit:
        warnings.append(f'the engine is behind, labels come more seldom than every {limit:g} s: '
                        'take a faster model or machine, fewer cameras or smaller images')
    if lost := lately.more('lost'):
        cure = _CURES.get(reliability, _CURES[ReliabilityPolicy.BEST_EFFORT])
        warnings.append(f'{lost} images were lost on their way to the node: {cure}')
    bad = warnings or any(map(lately.more, ('rejected', 'failed', 'stale')))
    return _status('frames', WARN if bad else OK, '; '.join([*warnings, text]), values)


def callbacks_status(mishaps: Mishaps) -> DiagnosticStatus:
    """Return what went wrong in callbacks, for a while after it last did."""
    lately = mishaps.lately()
    text = '; '.join(f'{callback}: {cause}' for callback, cause in lately.items())
    return _status('callbacks', ERROR if lately else OK, text or 'none fails',
                   {**lately, 'since the start': mishaps.count})


def _status(name: str, level: bytes, message: str, values: Mapping[str, object],
            hardware: str = '') -> DiagnosticStatus:
    return DiagnosticStatus(
        name=name, level=level, message=publishable(message), hardware_id=publishable(hardware),
        values=[KeyValue(key=publishable(key), value=publishable(value))
                for key, value in values.items()])


def _ms(seconds: float) -> str:
    return f'{seconds * 1e3:.1f}'
