"""The thread that owns the segmenter, from opening the model to releasing it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event, Thread

from ..segmenter import Segmenter
from .camera import Frame
from .channel import Channel
from .mailbox import Mailbox
from .work import Work

_PERIOD = 1.0
"""Seconds between two words about a load that goes on."""


class Worker:
    """
    One thread that opens a segmenter, serves frames with it, and closes it.

    A GPU context belongs to the thread that made it, so nobody else ever touches the segmenter.

    Parameters
    ----------
    load
        Makes the segmenter, ready for its first frame.
    serve
        Handles frames of different cameras, as many as the segmenter takes at once, and returns
        those whose images are not ready yet, which it is given again; must not raise.

    """

    def __init__(self, load: Callable[[], Segmenter],
                 serve: Callable[[Segmenter, Sequence[Work]], Sequence[Work]]) -> None:
        self._load = load
        self._serve = serve
        self._mailbox: Mailbox[Channel, Work] = Mailbox()
        self._loaded = Event()
        self._result: Segmenter | BaseException | None = None
        self._thread = Thread(target=self._run, name='segmenter', daemon=True)
        self.load_time = 0.0
        """Seconds that loading took."""

    def start(self, waiting: Callable[[float], None]) -> Segmenter:
        """
        Start the thread and wait until the segmenter is loaded; it is for reading only.

        Parameters
        ----------
        waiting
            Called about once a second meanwhile, with the seconds since the start.

        Raises
        ------
        Exception
            Whatever ``load`` raised; the thread has ended then.

        """
        start = time.perf_counter()
        self._thread.start()
        while not self._loaded.wait(_PERIOD):
            waiting(time.perf_counter() - start)
        if isinstance(self._result, BaseException):
            self._thread.join()
            raise self._result
        assert self._result is not None
        return self._result

    def put(self, channel: Channel, frame: Frame) -> bool:
        """Hand over a frame, in place of one that still waits; return whether one did."""
        return self._mailbox.put(channel, Work(channel, frame))

    def drain(self, timeout: float) -> tuple[list[Channel], bool]:
        """Throw away what waits and finish what is at work, as ``Mailbox.drain``."""
        return self._mailbox.drain(timeout)

    def stop(self, timeout: float) -> bool:
        """Close the segmenter and end the thread; return whether it ended in time."""
        self._mailbox.close()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        start = time.perf_counter()
        try:
            segmenter = self._load()
        except Exception as error:      # raised again in the thread that waits
            self._result = error
            self._loaded.set()
            return
        self.load_time = time.perf_counter() - start
        self._result = segmenter
        self._loaded.set()
        try:
            while self._serve_next(segmenter):
                pass
        finally:
            segmenter.close()

    def _serve_next(self, segmenter: Segmenter) -> bool:
        """Serve the next frames, and forget them before others are waited for."""
        works = self._mailbox.take(segmenter.batch)
        for work in self._serve(segmenter, works) if works else ():
            self._await(work)
        return works is not None

    def _await(self, work: Work) -> None:
        """Let a frame have its turn when its image is ready."""
        if self._mailbox.send_away(work.channel):
            assert work.decoding is not None
            work.decoding.add_done_callback(
                lambda _: self._mailbox.bring_back(work.channel, work))
        else:       # nobody else counts while the executor waits for the end of a drain
            work.channel.camera.counts.dropped += 1
            work.channel.at_work = None
