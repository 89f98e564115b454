"""What happens to frames: convert, segment together, publish; and what becomes of a bad one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..device import DeviceError
from ..grouping import GroupingOptions
from ..panoptic import Panoptic
from ..segmenter import Segmenter
from ..tracking import INSTANCE_PICTURES
from .camera import Frame
from .channel import Channel
from .parameters import Settings

_MEMORY_PERIOD = 1.0
"""Seconds between two looks at the GPU's memory."""


@dataclass
class _Work:
    """A frame on its way, its image, and the seconds that its stages took."""

    channel: Channel
    frame: Frame
    image: npt.NDArray[np.uint8]
    times: dict[str, float] = field(default_factory=dict)


class FrameServer:
    """
    Serves frames, in the worker's thread; a bad frame is counted, never fatal.

    Parameters
    ----------
    settings
        Returns the parameters' present values.
    recommended
        The model's own thresholds.

    """

    def __init__(self, settings: Callable[[], Settings], recommended: GroupingOptions) -> None:
        self._settings = settings
        self._recommended = recommended
        self.failure: str | None = None
        """Why a frame was lost when the last ones were served; None when none was."""
        self.lost: str | None = None
        """Why no frame will ever be segmented again; None while there is hope."""
        self.gpu_memory: tuple[int, int] | None = None
        """Free and total bytes of the GPU, as of about a second ago; None without one."""
        self._looked = -_MEMORY_PERIOD

    def serve(self, segmenter: Segmenter, frames: Sequence[tuple[Channel, Frame]]) -> None:
        """Turn frames of different cameras into published results; record how long that took."""
        works, failure = [], None
        for channel, frame in frames:
            start = time.perf_counter()
            if self._is_stale(frame, start):
                channel.camera.counts.stale += 1
                continue
            try:
                image = channel.convert(frame, self._settings().limits)
            except Exception as error:      # memory may lack: the next frame may be fine
                failure = channel.lose(error)
                continue
            if image is not None:
                works.append(_Work(channel, frame, image, {
                    'receive': frame.receive, 'wait': start - frame.arrival,
                    'convert': time.perf_counter() - start}))
        if works:
            failure = self._serve(segmenter, works) or failure
            self._look_at_memory(segmenter)
        if works or failure:
            self.failure = failure

    def _look_at_memory(self, segmenter: Segmenter) -> None:
        """Ask the GPU in the only thread that may."""
        now = time.perf_counter()
        if now - self._looked >= _MEMORY_PERIOD and self.lost is None:
            self._looked = now
            with suppress(DeviceError):
                self.gpu_memory = segmenter.gpu_memory()

    def _is_stale(self, frame: Frame, now: float) -> bool:
        limit = self._settings().max_age
        return 0 < limit < frame.age(now)

    def _serve(self, segmenter: Segmenter, works: Sequence[_Work]) -> str | None:
        """Segment and publish; return why a frame was lost, if one was."""
        try:
            results = self._segment(segmenter, works)
        except Exception as error:      # whatever it is, the next frame may be fine
            if isinstance(error, DeviceError) and error.sticky:
                self.lost = self.lost or str(error)     # the first one names the cause
            elif len(works) > 1:        # let none suffer for another
                failures = [self._serve(segmenter, [work]) for work in works]
                return next(filter(None, failures), None)
            lost = [work.channel.lose(error) for work in works]
            return lost[0]
        failure = None
        for work, panoptic in zip(works, results, strict=True):
            try:
                _check(panoptic)
                self._publish(work, panoptic)
            except Exception as error:
                failure = work.channel.lose(error)
        return failure

    def _segment(self, segmenter: Segmenter, works: Sequence[_Work]) -> list[Panoptic]:
        settings = self._settings()
        segmenter.options = settings.grouping(self._recommended)
        wanted = frozenset().union(*(work.channel.outputs.wanted for work in works))
        if settings.tracking:       # which comes later and changes the numbers
            wanted -= INSTANCE_PICTURES
        times: dict[str, float] = {}
        results = segmenter.segment([work.image for work in works], wanted,
                                    settings.overlay_opacity, times)
        for work in works:
            work.times |= times
        return results

    def _publish(self, work: _Work, panoptic: Panoptic) -> None:
        channel, frame, settings = work.channel, work.frame, self._settings()
        if settings.tracking:
            start = time.perf_counter()
            panoptic = channel.track(frame, panoptic)
            work.times['tracking'] = time.perf_counter() - start
        start = time.perf_counter()
        channel.publish(frame, work.image, panoptic, settings)
        published = time.perf_counter()
        work.times['publish'] = published - start
        work.times['total'] = frame.receive + published - frame.arrival
        channel.latency.record(work.times)
        channel.camera.counts.segmented += 1


def _check(panoptic: Panoptic) -> None:
    """
    Refuse what heads of NaN become, which is the first class everywhere.

    The score of stuff is a mean of soft-max probabilities of the likeliest class: only where
    nothing is likelier than the rest is it as low as one part of the number of classes.
    """
    scores, classes = panoptic.stuff.score, len(panoptic.label_space)
    if len(scores) and classes > 1 and scores.max() < 1.0001 / classes:
        raise ValueError('no class is likelier than another, in any pixel: the network gives NaN '
                         'or one number everywhere; export it again, or take precision fp32')
