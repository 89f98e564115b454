"""What happens to a frame: convert, segment, publish; and what becomes of a bad one."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage

from .. import images
from ..device import DeviceError
from ..grouping import GroupingOptions
from ..panoptic import Panoptic
from ..segmenter import Segmenter
from .camera import Camera, Frame
from .latency import LatencyWindow
from .log import ThrottledLog
from .outputs import CameraOutputs
from .parameters import Settings


class Pipeline:
    """
    Serves a camera's frames, in the worker's thread; a bad frame is counted, never fatal.

    Parameters
    ----------
    camera
        Whose frames are served, and where they are counted.
    outputs
        Where results are published.
    settings
        Returns the parameters' present values.
    recommended
        The model's own thresholds.
    log
        Receives what is wrong with frames.

    """

    def __init__(self, camera: Camera, outputs: CameraOutputs, settings: Callable[[], Settings],
                 recommended: GroupingOptions, log: ThrottledLog) -> None:
        self._camera = camera
        self._outputs = outputs
        self._settings = settings
        self._recommended = recommended
        self._log = log
        self.latency = LatencyWindow()
        self.failure: str | None = None
        """Why the newest usable frame was not segmented; None when it was."""
        self.lost: str | None = None
        """Why no frame will ever be segmented again; None while there is hope."""

    def serve(self, segmenter: Segmenter, frame: Frame) -> None:
        """Turn one frame into published results, and record how long that took."""
        start = time.perf_counter()
        times = {'receive': frame.transport, 'wait': start - frame.arrival}
        image = self._convert(frame)
        if image is None:
            return
        converted = time.perf_counter()
        times['convert'] = converted - start
        try:
            panoptic = self._segment(segmenter, image, times)
            segmented = time.perf_counter()
            self._publish(frame, image, panoptic)
        except Exception as error:      # whatever it is, the next frame may be fine
            self.failure = f'{type(error).__name__}: {error}'
            if isinstance(error, DeviceError) and error.sticky:
                self.lost = str(error)
            self._camera.counts.failed += 1
            self._log.error(type(error).__name__, f'a frame was lost: {self.failure}')
            return
        published = time.perf_counter()
        times['publish'] = published - segmented
        times['total'] = frame.transport + published - frame.arrival
        self.latency.record(times)
        self._camera.counts.segmented += 1
        self.failure = None

    def _convert(self, frame: Frame) -> npt.NDArray[np.uint8] | None:
        camera, message = self._camera, frame.message
        compressed = isinstance(message, CompressedImage)
        try:
            image = images.decompress(message) if compressed else images.to_bgr(message)
        except images.ImageError as error:
            camera.rejection = str(error)
            camera.counts.rejected += 1
            self._log.error(error.kind, f'image on {camera.topic} rejected: {error}')
            return None
        encoding = message.format if compressed else message.encoding
        camera.format = f'{image.shape[1]}x{image.shape[0]} {encoding}'
        camera.rejection = None
        return image

    def _segment(self, segmenter: Segmenter, image: npt.NDArray[np.uint8],
                 times: dict[str, float]) -> Panoptic:
        segmenter.options = self._settings().grouping(self._recommended)
        return segmenter(image, times=times, pictures=self._outputs.wanted,
                         opacity=self._settings().overlay_opacity)

    def _publish(self, frame: Frame, image: npt.NDArray[np.uint8], panoptic: Panoptic) -> None:
        settings = self._settings()
        self._outputs.publish(frame.message.header, image, panoptic, settings.overlay_opacity,
                              settings.jpeg_quality)
