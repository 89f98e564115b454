"""How a camera is: one state, which the log and diagnostics both tell of."""

from __future__ import annotations

import time
from enum import Enum
from typing import Any, NamedTuple

from .camera import Camera, Stamp
from .channel import Channel
from .parameters import Settings
from .tally import Lately

FUTURE_TOLERANCE = 0.1
"""Seconds by which a stamp may be ahead of the clock: clocks of two machines never agree."""


class State(Enum):
    """What a camera is doing, as a consumer of its labels sees it."""

    RESTING = 'resting'
    """The node is not active."""
    WAITING = 'waiting'
    """No image has come yet."""
    RUNNING = 'running'
    """Images come, and so do labels."""
    REJECTED = 'rejected'
    """The newest image was not usable."""
    OVERDUE = 'overdue'
    """Images come, labels do not."""
    STALLED = 'stalled'
    """Somebody publishes it, but images come no more."""
    LEFT = 'left'
    """Images came, and nobody publishes it any more: a driver that ended, a bag at its end."""


class Condition(NamedTuple):
    """A state, and what there is to say about it; nothing where all is well."""

    state: State
    text: str = ''
    since: float = 0.0
    """Seconds for which nobody has had what he should."""


def look_at(channel: Channel, lately: Lately, settings: Settings) -> Condition:
    """Return the worst that is true of a camera."""
    camera, silence = channel.camera, channel.camera.silence
    if not camera.active:
        return Condition(State.RESTING, 'no images are taken while the node is not active')
    if camera.last_arrival is None:
        return Condition(State.WAITING, _missing(camera, silence), silence)
    silent = silence > settings.stall_timeout
    if silent and not camera.publisher_count:
        return Condition(State.LEFT, f'its publisher has left: the last image came {silence:.1f} '
                         's ago', silence)
    overdue = camera.freshness.overdue(time.perf_counter())
    if camera.rejection is not None:    # also when they come seldom: it is one fault, not two
        also = f'; the last image came {silence:.1f} s ago' if silent else ''
        return Condition(State.REJECTED, f'image rejected: {camera.rejection}{also}', overdue)
    if silent:
        return Condition(State.STALLED, f'stalled: the last image came {silence:.1f} s ago',
                         silence)
    if overdue > settings.label_timeout:
        return Condition(State.OVERDUE, f'images come, but no labels for {overdue:.1f} s: '
                         f'{_cause(channel, lately)}', overdue)
    return Condition(State.RUNNING)


def _missing(camera: Camera, silence: float) -> str:
    publishers = camera.publisher_count
    cause = (f'its {publishers} publishers are silent, of another type or of another QoS'
             if publishers else f'nobody publishes it: remap {camera.own_topic} to the camera')
    return f'no image yet on {camera.topic} after {silence:.0f} s; {cause}'


def _cause(channel: Channel, lately: Lately) -> str:
    """Return why no labels come, as far as it can be told."""
    seconds, decoding = channel.worked(time.perf_counter()), channel.decoder.busy
    if decoding:
        return f'an image of {seconds:.1f} s ago is still being decoded'
    if seconds > 1.0:
        return f'a frame has been at work for {seconds:.1f} s'
    if lately.more('failed'):
        return 'every frame is lost, see the status of the engine'
    if lately.more('stale'):
        return 'every frame is older than max_age when its turn comes'
    return 'the engine is busy with other cameras'


def doubt(stamp: Stamp, max_age: float) -> str | None:
    """Return what is wrong with a stamp, or None."""
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


class Teller:
    """
    Logs a camera's state when it becomes another, once.

    Parameters
    ----------
    logger
        A logger of rclpy.
    topic
        Of the camera's images.

    """

    def __init__(self, logger: Any, topic: str) -> None:
        self._logger, self._topic = logger, topic
        self._told: State | None = None

    def tell(self, condition: Condition, patience: float) -> None:
        """
        Log what is new about a condition.

        Each rejected image is logged by itself, and a good one may follow: that images are
        rejected counts as told only after ``patience`` seconds in which none was usable.
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
