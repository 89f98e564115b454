"""One camera, and each of its frames on the way from a message to published labels."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from rclpy.clock import Clock
from sensor_msgs.msg import CompressedImage, Image

from ..images import Converted, Converter, ImageError, Limits
from ..images.wire import WireCompressedImage, WireImage
from ..tracking import Tracker
from .mailbox import Mailbox
from .mishaps import ThrottledLog, described
from .outputs import CameraOutputs
from .record import Counts, Freshness, LatencyWindow, Stamp
from .subscription import ImageSubscription, read_image

ImageMessage: TypeAlias = 'WireImage | Image | WireCompressedImage | CompressedImage'


@dataclass(eq=False)
class Frame:
    """
    A camera's image on its way to its labels.

    The image is made when the frame has its turn: ``begin`` starts that, and ``finish`` takes the
    image once it is ready.
    """

    camera: Camera
    message: ImageMessage
    arrival: float
    """Time of arrival, by the clock ``time.perf_counter``."""
    receive: float
    """Seconds from the camera's publish to the callback, by the middleware's wall clock stamps."""
    stamp: Stamp
    seconds: dict[str, float] = field(default_factory=dict)
    """The seconds of the frame's stages, by their names; see ``record.STAGES``."""
    _converting: Future[Converted] | None = None
    _image: npt.NDArray[np.uint8] | None = None

    @property
    def time(self) -> float:
        """The stamp in seconds; without a stamp, the arrival in seconds."""
        stamp = self.message.header.stamp
        return stamp.sec + 1e-9 * stamp.nanosec or self.arrival

    @property
    def image(self) -> npt.NDArray[np.uint8]:
        """The image's pixels, (H, W, 3) uint8, BGR, after ``finish``."""
        assert self._image is not None
        return self._image

    def age(self, now: float) -> float:
        """Return the seconds since the stamp, at a time of ``perf_counter``; 0 if unknown."""
        if self.stamp.is_zero or not self.stamp.clock_runs:
            return 0.0
        return self.stamp.age + now - self.arrival

    def begin(self, limits: Limits) -> Future[Converted]:
        """Begin to make the image, unless that has begun; return a future of it."""
        if self._converting is None:
            self._converting = self.camera.converter.convert(self.message, limits)
        return self._converting

    def finish(self) -> None:
        """
        Take the image, which must be ready, and note the times of the stages so far.

        The time since the arrival in which the image was not being made counts as waiting.

        Raises
        ------
        Exception
            The conversion raised it.

        """
        assert self._converting is not None
        # A future keeps its callbacks, and an error keeps the stack frames that it passed.  Both
        # lead back to this frame, and would keep message and image until a garbage collection.
        converting, self._converting = self._converting, None
        try:
            self._image, seconds = converting.result(timeout=0)
        finally:
            del converting
        waited = time.perf_counter() - self.arrival - seconds
        self.seconds |= {'receive': self.receive, 'wait': waited, 'convert': seconds}

    def when_ready(self, call: Callable[[Frame], None]) -> None:
        """Call a function with this frame once its image is ready; any thread may call it."""
        assert self._converting is not None
        self._converting.add_done_callback(lambda _: call(self))


class Camera:
    """
    A camera with its subscription, its converter, its tracker, its outputs and its record.

    The executor counts frames as received, dropped and lost, and the worker counts the others.  So
    each number has one writer and needs no lock.  Only rejections have two writers: the executor
    rejects a message that cannot be read, and the worker rejects one without a usable image.

    Parameters
    ----------
    name
        The camera's name; empty if there is only one camera.
    subscription, outputs
        The source of the camera's images, and the topics on which results are published.
    tracker
        The tracker of the camera's things.
    mailbox
        Where the newest frame waits for the worker.
    clock
        The node's clock, with which stamps are compared.
    log
        Receives the errors of frames.

    """

    def __init__(self, name: str, subscription: ImageSubscription, outputs: CameraOutputs,
                 tracker: Tracker, mailbox: Mailbox[Camera, Frame], clock: Clock,
                 log: ThrottledLog) -> None:
        self.name, self.subscription, self.outputs = name, subscription, outputs
        self.tracker, self._mailbox, self._clock, self._log = tracker, mailbox, clock, log
        self.converter = Converter(subscription.transport, f'decoder {name}'.strip())
        subscription.on_image, subscription.on_loss = self._receive, self._miss
        self.counts, self.freshness, self.latency = Counts(), Freshness(), LatencyWindow()
        self.started = time.perf_counter()
        self.last_arrival: float | None = None
        self.stamp: Stamp | None = None
        """The stamp of the newest message."""
        self.format = ''
        """Size and encoding of the newest usable image."""
        self.rejection: str | None = None
        """Why the newest frame was not usable; None if it was usable."""
        self._rejected, self._rejecting = 0.0, Lock()
        self.at_work: Frame | None = None
        """The frame that has its turn, until its labels are published or it is lost."""
        self._largest_message = 0

    @property
    def silence(self) -> float:
        """Seconds since the last image, or since the subscription if no image has come."""
        since = self.started if self.last_arrival is None else self.last_arrival
        return time.perf_counter() - since

    def worked(self, now: float) -> float:
        """Return the seconds since the camera published the frame at work; 0 without one."""
        frame = self.at_work
        return 0.0 if frame is None else now - frame.arrival + frame.receive

    def take_largest(self) -> int:
        """
        Return the bytes of the largest message or image since the last call; 0 without any.

        Both are needed, because the size of a file says nothing about the size of its image.
        """
        # Another thread writes this number.  If a size is lost, the next image brings it again.
        image, self.converter.largest = self.converter.largest, 0
        message, self._largest_message = self._largest_message, 0
        return max(image, message)

    def start(self) -> None:
        """
        Subscribe to images.

        Raises
        ------
        RuntimeError
            A QoS override is not valid.

        """
        self.started = time.perf_counter()
        self.last_arrival = self.rejection = self.at_work = None
        self.freshness.restart()
        self.subscription.start()

    def stop(self) -> None:
        """Unsubscribe."""
        self.subscription.stop()

    def close(self) -> None:
        """End the converter and take the topics off the graph."""
        self.converter.close()
        self.outputs.destroy()

    def accept(self, frame: Frame) -> None:
        """Note that an image is usable, and that no labels are due for rejected ones before it."""
        image, message = frame.image, frame.message
        encoding = message.encoding if isinstance(message, WireImage | Image) else message.format
        self.format = f'{image.shape[1]}x{image.shape[0]} {encoding}'
        with self._rejecting:       # a newer one may be rejected meanwhile
            if self.rejection is not None and frame.arrival > self._rejected:
                self.freshness.forgive(frame.arrival)
                self.rejection = None

    def reject(self, arrival: float, error: ImageError) -> None:
        """Count the message of ``arrival``, which holds no usable image, and log the reason."""
        with self._rejecting:
            self.counts.rejected += 1
            self._rejected = max(self._rejected, arrival)
            self.rejection = str(error)
        self._log.error(f'{self.name} {error.kind}',
                        f'image on {self.subscription.topic.name} rejected: {error}')

    def drop(self) -> None:
        """Count a frame as dropped because the node was deactivated before its turn ended."""
        self.counts.dropped += 1
        self.at_work = None

    def pass_over(self) -> None:
        """Count the frame at work as too old."""
        self.counts.stale += 1
        self.at_work = None

    def lose(self, error: Exception) -> str:
        """Count the frame at work as lost; return the reason in words."""
        failure = described(error)
        self.counts.failed += 1
        self.at_work = None
        self._log.error(f'{self.name} {type(error).__name__}', f'a frame was lost: {failure}')
        return failure

    def finish(self, frame: Frame) -> None:
        """Note that the labels of the frame at work are published."""
        self.freshness.publish(frame.arrival)
        self.latency.record(frame.seconds)
        self.counts.segmented += 1
        self.at_work = None

    def _receive(self, data: bytes, info: dict[str, int]) -> None:
        """Put a message into the mailbox as a frame, in place of an older one that waits there."""
        arrival = self.last_arrival = time.perf_counter()
        self._largest_message = max(self._largest_message, len(data))
        sent = info.get('source_timestamp', 0)
        seconds = max(0.0, (time.time_ns() - sent) * 1e-9) if sent else 0.0
        self.counts.received += 1
        self.freshness.receive(arrival)
        try:
            message = read_image(data, self.subscription.transport)
        except ImageError as error:
            self.reject(arrival, error)
            return
        self.stamp = Stamp.compare(message.header.stamp, self._clock.now().nanoseconds)
        if self._mailbox.put(self, Frame(self, message, arrival, seconds, self.stamp)):
            self.counts.dropped += 1

    def _miss(self, count: int) -> None:
        self.counts.lost += count
