"""The thread that owns the segmenter and serves frames with it; see ``Server.serve``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from threading import Thread

from ..device import DeviceError
from ..images import ImageError, Limits
from ..panoptic import Panoptic
from ..segmenter import Segmenter
from .camera import Camera, Frame
from .mailbox import Mailbox
from .mishaps import Mishaps
from .settings import Settings

GRACE = 0.05
"""Seconds that cameras wait for another camera's image; then they go on without it."""

_PERIOD = 1.0
"""Seconds between two looks at the GPU's memory."""


class Server:
    """
    One thread that opens a segmenter, serves frames with it, and closes it.

    A GPU context belongs to the thread that made it, so no other thread ever uses the segmenter.

    Parameters
    ----------
    settings
        Returns the parameters' present values.
    mishaps
        Receives errors that are not those of a frame.

    """

    def __init__(self, settings: Callable[[], Settings], mishaps: Mishaps) -> None:
        self._settings, self._mishaps = settings, mishaps
        self.mailbox: Mailbox[Camera, Frame] = Mailbox()
        """Where the frames wait for their turns."""
        self._loading: Future[Segmenter] = Future()
        self._thread: Thread | None = None
        self.failure: str | None = None
        """Why a frame was lost when frames were last served; None if none was lost."""
        self.lost: str | None = None
        """Why this segmenter cannot segment any more; None while it can."""
        self.gpu_memory: tuple[int, int] | None = None
        """Free and total bytes of the GPU, about a second old; None without a GPU."""
        self._looked = -_PERIOD
        self._begun: float | None = None
        self._failures: list[str] = []

    @property
    def engine_time(self) -> float:
        """Seconds for which the engine has had the frames at work; 0 without any."""
        begun = self._begun
        return 0.0 if begun is None else time.perf_counter() - begun

    def start(self, load: Callable[[], Segmenter]) -> Future[Segmenter]:
        """
        Start the thread, which first calls ``load``; return a future of what that gives or raises.

        The segmenter is ready for its first frame then.  The caller may only read it.
        """
        self._thread = Thread(target=self._run, args=(load,), name='segmenter', daemon=True)
        self._thread.start()
        return self._loading

    def stop(self, timeout: float) -> bool:
        """Close the segmenter and end the thread; return whether it ended in time."""
        self.mailbox.close()
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self, load: Callable[[], Segmenter]) -> None:
        try:
            segmenter = load()
        except Exception as error:      # the thread that waits raises it again
            self._loading.set_exception(error)
            return
        self._loading.set_result(segmenter)
        try:
            while self._serve_next(segmenter):
                pass
        finally:
            segmenter.close()

    def _serve_next(self, segmenter: Segmenter) -> bool:
        """Serve the next frames, and release them before waiting for others."""
        frames = self.mailbox.take(segmenter.batch)
        if frames is None:
            return False
        for frame in self.turn(segmenter, frames):
            self._send_away(frame)
        return True

    def turn(self, segmenter: Segmenter, frames: Sequence[Frame]) -> list[Frame]:
        """Serve frames; an error loses these frames, but does not end the thread."""
        late: list[Frame] = []
        for frame in frames:
            frame.camera.at_work = frame
        try:
            late = self.serve(segmenter, frames)
        except Exception as error:      # the next frames may be fine
            self._mishaps.survive('worker', error)
            for frame in frames:
                if frame.camera.at_work is frame:       # the frame has no outcome yet
                    self._lose(frame, error)
        if self._failures or self._begun is not None:
            self.failure = next(iter(self._failures), None)
        self._failures, self._begun = [], None
        return late

    def serve(self, segmenter: Segmenter, frames: Sequence[Frame]) -> list[Frame]:
        """
        Convert, segment, track and publish frames of different cameras.

        Returns
        -------
        The frames whose images are not ready; their turn goes on when the images are.

        """
        settings = self._settings()
        ready, late = self._convert(_timely(frames, settings.max_age), settings.limits)
        for frame, panoptic in self._segment(segmenter, ready, settings):
            try:
                if settings.tracking:
                    panoptic = _track(frame, panoptic)
                self._publish(frame, panoptic, settings)
            except Exception as error:      # the error loses no other camera's frame
                self._lose(frame, error)
        self._look_at_memory(segmenter)
        return late

    def _convert(self, frames: Sequence[Frame],
                 limits: Limits) -> tuple[list[Frame], list[Frame]]:
        """Return the frames whose images are ready, and those whose images come later."""
        ready, late = [], _begin(frames, limits)
        for frame in frames:
            if frame in late:
                continue
            try:
                frame.finish()
            except ImageError as error:
                frame.camera.reject(frame.arrival, error)
                frame.camera.at_work = None
            except Exception as error:      # for lack of memory, say; the next frame may be fine
                self._lose(frame, error)
            else:
                frame.camera.accept(frame)
                ready.append(frame)
        return ready, late

    def _segment(self, segmenter: Segmenter, frames: Sequence[Frame],
                 settings: Settings) -> list[tuple[Frame, Panoptic]]:
        """Segment images together; if that fails, segment each alone, as one may be to blame."""
        if not frames:
            return []
        self._begun = self._begun or time.perf_counter()
        try:
            segmenter.options = settings.options_of(segmenter.family, segmenter.recommended)
            panoptics, seconds = segmenter.segment(
                [frame.image for frame in frames],
                any(frame.camera.outputs.wants_confidence for frame in frames))
        except Exception as error:      # the next frame may be fine
            if isinstance(error, DeviceError) and error.sticky:
                self.lost = self.lost or str(error)     # the first one names the cause
            elif len(frames) > 1:
                return [result for frame in frames
                        for result in self._segment(segmenter, [frame], settings)]
            for frame in frames:
                self._lose(frame, error)
            return []
        for frame in frames:
            frame.seconds |= seconds
        return list(zip(frames, panoptics, strict=True))

    def _publish(self, frame: Frame, panoptic: Panoptic, settings: Settings) -> None:
        """
        Publish a frame's result under its header, and note the times.

        A drawing that fails loses no labels, so it is told by itself.
        """
        start = time.perf_counter()
        header, outputs = frame.message.header, frame.camera.outputs
        outputs.publish(header, panoptic)
        for topic, draw in outputs.draw(header, frame.image, panoptic, settings):
            with self._mishaps.survived(topic):
                draw()
        published = time.perf_counter()
        frame.seconds['publish'] = published - start
        frame.seconds['total'] = frame.receive + published - frame.arrival
        frame.camera.finish(frame)

    def _lose(self, frame: Frame, error: Exception) -> None:
        self._failures.append(frame.camera.lose(error))

    def _look_at_memory(self, segmenter: Segmenter) -> None:
        """Ask for the GPU's free memory, in the only thread that may."""
        now = time.perf_counter()
        if self._begun is not None and now - self._looked >= _PERIOD and self.lost is None:
            self._looked = now
            with suppress(DeviceError):
                self.gpu_memory = segmenter.gpu_memory()

    def _send_away(self, frame: Frame) -> None:
        """Let a frame have its turn when its image is ready."""
        if self.mailbox.send_away(frame.camera):
            frame.when_ready(lambda ready: self.mailbox.bring_back(ready.camera, ready))
        else:       # the executor waits for the end of a drain, so nobody else counts
            frame.camera.drop()


def _timely(frames: Sequence[Frame], max_age: float) -> list[Frame]:
    """Return the frames that are not older than ``max_age``, and count the others."""
    timely, now = [], time.perf_counter()
    for frame in frames:
        if 0 < max_age < frame.age(now):
            frame.camera.pass_over()
        else:
            timely.append(frame)
    return timely


def _begin(frames: Sequence[Frame], limits: Limits) -> list[Frame]:
    """
    Begin to make images; return the frames whose image is not ready after ``GRACE`` seconds.

    This is a function of its own, because an error keeps the local variables of the functions that
    it passes.
    """
    images = [frame.begin(limits) for frame in frames]
    wait(images, GRACE)
    return [frame for frame, image in zip(frames, images, strict=True) if not image.done()]


def _track(frame: Frame, panoptic: Panoptic) -> Panoptic:
    """Return a frame's result in which things have the numbers of the frames before."""
    start = time.perf_counter()
    tracked = frame.camera.tracker(panoptic, frame.time)
    frame.seconds['tracking'] = time.perf_counter() - start
    return tracked
