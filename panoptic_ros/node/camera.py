"""One camera: its frames, their outcomes, and the outputs that are published for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from rclpy.clock import Clock

from ..images import ImageError
from ..tracking import Tracker
from . import wire
from .frame import Decoder, Frame, ImageMessage, Stamp
from .mishaps import ThrottledLog, described
from .outputs import CameraOutputs
from .record import Counts, Freshness, LatencyWindow
from .subscription import ImageSubscription


class Camera:
    """
    A camera with its subscription, its decoder, its tracker, its outputs and its record.

    The executor counts frames as received, dropped and lost, and the worker counts the others.  So
    each number has one writer and needs no lock.  Only rejections have two writers: the executor
    rejects a message that cannot be read, and the worker rejects one without a usable image.

    Parameters
    ----------
    name
        The camera's name; empty if there is only one camera.
    subscription
        The source of the camera's images.
    outputs
        The topics on which results are published.
    tracker
        The tracker of the camera's things.
    clock
        The node's clock, with which stamps are compared.
    log
        Receives the errors of frames.

    """

    def __init__(self, name: str, subscription: ImageSubscription, outputs: CameraOutputs,
                 tracker: Tracker, clock: Clock, log: ThrottledLog) -> None:
        self.name, self.subscription, self.outputs = name, subscription, outputs
        self.tracker, self._clock, self._log = tracker, clock, log
        self.decoder = Decoder(subscription.transport, f'decoder {name}'.strip())
        self.deliver: Callable[[Frame], bool] = lambda frame: False
        """Takes each frame in the executor's thread, and returns whether it replaced another."""
        self._read: Callable[[bytes], ImageMessage] = (
            wire.read_compressed_image if subscription.transport == 'compressed'
            else wire.read_image)
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
        image, self.decoder.largest = self.decoder.largest, 0
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
        """End the decoder and take the topics off the graph."""
        self.decoder.close()
        self.outputs.destroy()

    def drop(self) -> None:
        """Count a frame as dropped: a newer one replaced it, or the node was deactivated."""
        self.counts.dropped += 1

    def pass_over(self) -> None:
        """Count the frame at work as too old."""
        self.counts.stale += 1
        self.at_work = None

    def accept(self, frame: Frame) -> None:
        """Note that an image is usable, and that no labels are due for rejected ones before it."""
        image = frame.image
        self.format = f'{image.shape[1]}x{image.shape[0]} {frame.format}'
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
        arrival = self.last_arrival = time.perf_counter()
        self._largest_message = max(self._largest_message, len(data))
        sent = info.get('source_timestamp', 0)
        seconds = max(0.0, (time.time_ns() - sent) * 1e-9) if sent else 0.0
        self.counts.received += 1
        self.freshness.receive(arrival)
        try:
            message = self._read(data)
        except ImageError as error:
            self.reject(arrival, error)
            return
        self.stamp = self._compare(message)
        if self.deliver(Frame(self, message, arrival, seconds, self.stamp)):
            self.drop()

    def _compare(self, message: ImageMessage) -> Stamp:
        now = self._clock.now().nanoseconds
        # rclpy's Time would refuse the negative stamps that a broken driver may send
        stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        return Stamp((now - stamp) * 1e-9, stamp == 0, now != 0)

    def _miss(self, count: int) -> None:
        self.counts.lost += count
