"""One camera's way through the node: from its messages to what is published for it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage

from .. import images
from ..panoptic import Panoptic
from ..tracking import Tracker
from .camera import Camera, Frame
from .decoder import Decoder
from .latency import LatencyWindow
from .log import ThrottledLog
from .outputs import CameraOutputs
from .parameters import Settings
from .wire import WireCompressedImage


class Channel:
    """
    A camera with its decoder, its outputs and its latency.

    Parameters
    ----------
    name
        Of the camera; empty where there is one only.
    camera
        Whose frames are served, and where they are counted.
    outputs
        Where results are published.
    tracker
        Follows the camera's things.
    log
        Receives what is wrong with frames.

    """

    def __init__(self, name: str, camera: Camera, outputs: CameraOutputs, tracker: Tracker,
                 log: ThrottledLog) -> None:
        self.name, self.camera, self.outputs = name, camera, outputs
        self.latency = LatencyWindow()
        self.decoder = Decoder(camera.transport, f'decoder {name}'.strip())
        self.at_work: Frame | None = None
        """The frame whose turn it is, until its labels are published or it is lost."""
        self._tracker, self._log = tracker, log
        self._largest_image = 0

    def convert(self, frame: Frame, limits: images.Limits) -> npt.NDArray[np.uint8]:
        """
        Return the image of a frame; in the decoder's thread, if it has one.

        Raises
        ------
        ImageError
            The message holds no usable image, or one beyond the limits.

        """
        camera, message = self.camera, frame.message
        if isinstance(message, images.ImageError):
            raise images.ImageError(message.kind, str(message))
        if isinstance(message, WireCompressedImage | CompressedImage):
            image, encoding = images.decompress(message, limits), message.format
        else:
            image, encoding = images.to_bgr(message, limits), message.encoding
        self._largest_image = max(self._largest_image, image.nbytes)
        camera.format = f'{image.shape[1]}x{image.shape[0]} {encoding}'
        return image

    def take_largest(self) -> int:
        """
        Return the bytes of the largest message or image since the last call; 0 without any.

        The file of an image tells nothing of the memory that the image needs.
        """
        # another thread writes it: a size that is lost comes again with the next image
        image, self._largest_image = self._largest_image, 0
        return max(image, self.camera.take_largest())

    def accept(self, frame: Frame) -> None:
        """Note that an image is usable; for those before it, that were not, no labels are due."""
        if self.camera.rejection is not None:
            self.camera.freshness.forgive(frame.arrival)
            self.camera.rejection = None

    def reject(self, error: images.ImageError) -> None:
        """Count a frame whose message holds no usable image, and say why."""
        self.at_work = None
        self.camera.rejection = str(error)
        self.camera.counts.rejected += 1
        self._log.error(f'{self.name} {error.kind}',
                        f'image on {self.camera.topic} rejected: {error}')

    def track(self, frame: Frame, panoptic: Panoptic) -> Panoptic:
        """Return a frame's result with the numbers that its things had in the frames before."""
        assert not isinstance(frame.message, images.ImageError)
        stamp = frame.message.header.stamp
        # a camera that stamps nothing is followed by when its frames came
        return self._tracker(panoptic, stamp.sec + 1e-9 * stamp.nanosec or frame.arrival)

    def publish(self, frame: Frame, image: npt.NDArray[np.uint8], panoptic: Panoptic,
                settings: Settings) -> None:
        """Publish a frame's result under its header."""
        assert not isinstance(frame.message, images.ImageError)
        self.outputs.publish(frame.message.header, image, panoptic, settings.overlay_opacity,
                             settings.jpeg_quality)
        self.camera.freshness.publish(frame.arrival)

    def worked(self, now: float) -> float:
        """Return the seconds since the frame at work was published by the camera; or 0."""
        frame = self.at_work
        return 0.0 if frame is None else now - frame.arrival + frame.receive

    def close(self) -> None:
        """End the decoder and take the topics off the graph."""
        self.decoder.close()
        self.outputs.destroy()

    def lose(self, error: Exception) -> str:
        """Count a frame that was lost; return why, for people."""
        failure = f'{type(error).__name__}: {error}'
        self.camera.counts.failed += 1
        self.at_work = None
        self._log.error(f'{self.name} {type(error).__name__}', f'a frame was lost: {failure}')
        return failure
