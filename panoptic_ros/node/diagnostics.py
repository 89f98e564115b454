"""What the node says about itself on /diagnostics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from .camera import Camera, Stamp
from .channel import Channel
from .latency import Latency
from .memory import Memory
from .mishaps import Mishaps
from .parameters import Settings
from .tally import Lately
from .text import publishable

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR

SCARCE = 0.05
"""Share of memory that is left when diagnostics warn: an allocation may soon fail."""

FUTURE_TOLERANCE = 0.1
"""Seconds by which a stamp may be ahead of the clock: clocks of two machines never agree."""


def engine_status(fault: str | None, failure: str | None, progress: str,
                  values: Mapping[str, object]) -> DiagnosticStatus:
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

    """
    gpu = values.get('GPU', '')
    hardware = 'CPU' if gpu == 'none' else str(gpu)
    if fault is not None:
        return _status('engine', ERROR, fault, values, hardware)
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


def channel_statuses(channel: Channel, lately: Lately,
                     settings: Settings) -> list[DiagnosticStatus]:
    """Return how a camera is, its latency and its frames."""
    latency = channel.latency
    return _named(channel.name, [
        camera_status(channel.camera, lately.received_rate, settings),
        latency_status(latency.summary(), len(latency), settings.latency_limit),
        counts_status(lately, settings.min_rate)])


def absent_statuses(name: str, topic: str, transport: str) -> list[DiagnosticStatus]:
    """Return the same of a camera while the node is not configured: what vanishes is stale."""
    return _named(name, [
        _status('camera', OK, 'not configured', {'topic': topic, 'transport': transport}, topic),
        _status('latency', OK, 'not configured', {}), _status('frames', OK, 'not configured', {})])


def _named(name: str, statuses: list[DiagnosticStatus]) -> list[DiagnosticStatus]:
    for status in statuses:
        status.name += f' {name}' if name else ''
    return statuses


def camera_status(camera: Camera, rate: float, settings: Settings) -> DiagnosticStatus:
    """Return how a camera is: the worst that is true of it, and what to do."""
    level, text = _judge(camera, rate, settings)
    values: dict[str, object] = {
        'topic': camera.topic, 'transport': camera.transport,
        'publishers': camera.publisher_count,
        'reliability': camera.reliability.name.lower(), 'rate [Hz]': f'{rate:.1f}',
        'format': camera.format or 'unknown'}
    if camera.last_arrival is not None:
        values['since last image [s]'] = f'{camera.silence:.2f}'
    if camera.stamp is not None:
        values['stamp age [s]'] = f'{camera.stamp.age:.3f}'
    return _status('camera', level, text, values, camera.topic)


def _judge(camera: Camera, rate: float, settings: Settings) -> tuple[bytes, str]:
    silence = camera.silence
    if not camera.active:
        return OK, 'no images are taken while the node is not active'
    if camera.last_arrival is None:
        publishers = camera.publisher_count
        cause = (f'its {publishers} publishers are silent, of another type or of another QoS'
                 if publishers else f'nobody publishes it: remap {camera.own_topic} to the camera')
        level = OK if silence < settings.stall_timeout else WARN
        return level, f'no image yet on {camera.topic} after {silence:.0f} s; {cause}'
    if silence > settings.stall_timeout:
        return ERROR, f'stalled: the last image came {silence:.1f} s ago'
    if camera.rejection is not None:
        return ERROR, f'image rejected: {camera.rejection}'
    warning = camera.stamp and _judge_stamp(camera.stamp, settings.max_stamp_age)
    if warning:
        return WARN, warning
    return OK, f'{rate:.1f} Hz, {camera.format or "first image at work"}'


def _judge_stamp(stamp: Stamp, max_age: float) -> str | None:
    if stamp.is_zero:
        return 'the stamp is zero: the camera driver does not set it'
    if not stamp.clock_runs:
        return 'use_sim_time is set, but /clock is silent: play the bag with --clock'
    if stamp.age < -FUTURE_TOLERANCE:
        return f'the stamp is {-stamp.age:.1f} s in the future: synchronise the clocks'
    if 0 < max_age < stamp.age:
        return (f'the stamp is {stamp.age:.1f} s old: when a bag is played, set use_sim_time and '
                'play it with --clock')
    return None


def latency_status(latency: Mapping[str, Latency], frames: int, limit: float) -> DiagnosticStatus:
    """Return the time per stage over the window of the last frames, in milliseconds."""
    if 'total' not in latency:
        return _status('latency', OK, 'no frame segmented yet', {'limit [ms]': _ms(limit)})
    total = latency['total']
    values = {'limit [ms]': _ms(limit), 'frames': str(frames)}
    for stage, times in latency.items():
        for name, seconds in asdict(times).items():
            values[f'{stage} {name} [ms]'] = _ms(seconds)
    text = f'p50 {_ms(total.p50)} ms, p99 {_ms(total.p99)} ms'
    if 0 < limit < total.p99:
        return _status('latency', WARN, f'{text}: more than the limit of {_ms(limit)} ms', values)
    return _status('latency', OK, text, values)


def counts_status(lately: Lately, min_rate: float) -> DiagnosticStatus:
    """
    Return what became of the frames.

    It warns when some were lost since the last report, and when images come, but fewer than
    ``min_rate`` of them are segmented in a second.
    """
    numbers = asdict(lately.counts)
    lost = any(numbers[name] > number for name, number in asdict(lately.before).items()
               if name in ('rejected', 'failed', 'stale'))
    text = ', '.join(f'{number} {name}' for name, number in numbers.items())
    values = numbers | {'received [Hz]': f'{lately.received_rate:.1f}',
                        'segmented [Hz]': f'{lately.segmented_rate:.1f}'}
    if lately.settled and lately.segmented_rate < min_rate:
        return _status('frames', WARN, f'{lately.segmented_rate:.1f} Hz are segmented of '
                       f'{lately.received_rate:.1f} Hz, less than min_rate, {min_rate:g} Hz: '
                       f'{text}', values)
    return _status('frames', WARN if lost else OK, text, values)


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
