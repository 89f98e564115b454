"""What happens to frames: segment together, publish; and what becomes of a bad one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import suppress

from ..device import DeviceError
from ..families import deeplab
from ..images import ImageError, Limits
from ..panoptic import Panoptic
from ..segmenter import Segmenter
from ..tracking import INSTANCE_PICTURES
from .parameters import Settings
from .work import Work

_MEMORY_PERIOD = 1.0
"""Seconds between two looks at the GPU's memory."""

GRACE = 0.05
"""Seconds that cameras wait for the image of another; beyond them they have its turn."""


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

    def __init__(self, settings: Callable[[], Settings], recommended: deeplab.Options) -> None:
        self._settings = settings
        self._recommended = recommended
        self.failure: str | None = None
        """Why a frame was lost when the last ones were served; None when none was."""
        self.lost: str | None = None
        """Why no frame will ever be segmented again; None while there is hope."""
        self.gpu_memory: tuple[int, int] | None = None
        """Free and total bytes of the GPU, as of about a second ago; None without one."""
        self._looked = -_MEMORY_PERIOD
        self._begun: float | None = None

    @property
    def engine_time(self) -> float:
        """Seconds for which the engine has had the frames that are at work; 0 without any."""
        begun = self._begun
        return 0.0 if begun is None else time.perf_counter() - begun

    def serve(self, segmenter: Segmenter, works: Sequence[Work]) -> list[Work]:
        """
        Turn frames of different cameras into published results; record how long that took.

        Returns
        -------
        Those whose images are not ready, to be given again when they are.

        """
        try:
            fresh = [work for work in works if not self._is_stale(work)]
            for work in fresh:
                work.channel.at_work = work.frame
            return self._take(segmenter, fresh)
        except Exception as error:      # the thread must live: the next frame may be fine
            for work in works:
                if work.channel.at_work is work.frame:      # and nothing has become of it
                    self.failure = work.channel.lose(error)
            return []
        finally:
            self._begun = None

    def _take(self, segmenter: Segmenter, works: Sequence[Work]) -> list[Work]:
        late = _begin(works, self._settings().limits)
        ready, failure = [], None
        for work in works:
            if work in late:
                continue
            try:
                work.image()
            except ImageError as error:
                work.channel.reject(error)
            except Exception as error:      # memory may lack: the next frame may be fine
                failure = work.channel.lose(error)
            else:
                work.channel.accept(work.frame)
                ready.append(work)
        if ready:
            self._begun = time.perf_counter()
            failure = self._serve(segmenter, ready) or failure
            self._look_at_memory(segmenter)
        if ready or failure:
            self.failure = failure
        return late

    def _look_at_memory(self, segmenter: Segmenter) -> None:
        """Ask the GPU in the only thread that may."""
        now = time.perf_counter()
        if now - self._looked >= _MEMORY_PERIOD and self.lost is None:
            self._looked = now
            with suppress(DeviceError):
                self.gpu_memory = segmenter.gpu_memory()

    def _is_stale(self, work: Work) -> bool:
        """Tell whether a frame came too late, and count it."""
        stale = 0 < self._settings().max_age < work.frame.age(time.perf_counter())
        if stale:
            work.channel.camera.counts.stale += 1
            work.channel.at_work = None
        return stale

    def _serve(self, segmenter: Segmenter, works: Sequence[Work]) -> str | None:
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

    def _segment(self, segmenter: Segmenter, works: Sequence[Work]) -> list[Panoptic]:
        settings = self._settings()
        segmenter.options = settings.grouping(self._recommended)
        wanted = frozenset().union(*(work.channel.outputs.wanted for work in works))
        if settings.tracking:       # which comes later and changes the numbers
            wanted -= INSTANCE_PICTURES
        times: dict[str, float] = {}
        results = segmenter.segment([work.image() for work in works], wanted,
                                    settings.overlay_opacity, times)
        for work in works:
            work.times |= times
        return results

    def _publish(self, work: Work, panoptic: Panoptic) -> None:
        channel, frame, settings = work.channel, work.frame, self._settings()
        if settings.tracking:
            start = time.perf_counter()
            panoptic = channel.track(frame, panoptic)
            work.times['tracking'] = time.perf_counter() - start
        start = time.perf_counter()
        channel.publish(frame, work.image(), panoptic, settings)
        published = time.perf_counter()
        work.times['publish'] = published - start
        work.times['total'] = frame.receive + published - frame.arrival
        channel.latency.record(work.times)
        channel.camera.counts.segmented += 1
        channel.at_work = None


def _begin(works: Sequence[Work], limits: Limits) -> list[Work]:
    """
    Make the images; return the works whose image is not ready when ``GRACE`` is over.

    A function of its own, since an error keeps what the frames that it passes hold.
    """
    decoding = [work.begin(limits) for work in works]
    wait(decoding, GRACE)
    return [work for work, image in zip(works, decoding, strict=True) if not image.done()]


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
