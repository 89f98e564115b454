"""What is done on a GPU for images that come together: one upload, one graph, one download."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .. import overlay
from ..device import Device, DeviceError, Graph, Module
from ..engine.protocol import DeviceEngine
from ..families import deeplab
from ..families.deeplab.cuda import Cameras, CudaGrouping, DeviceHeads
from ..panoptic import Panoptic

_PICTURES = {'confidence': 'confidence', 'semantic': 'semantic_image',
             'instance': 'instance_image', 'overlay': 'overlay'}
_LOG = logging.getLogger(__name__)


class Batch:
    """
    Memory for images of certain sizes, and the work on them, in parts that follow each other.

    Each part enqueues something on the device's stream and can be recorded; ``run`` does all of
    them and waits.

    Parameters
    ----------
    device, engine, kernels
        The GPU, the network on it, and the kernels of ``grouping``.
    sizes
        (height, width) of each image.
    options
        Thresholds of the grouping; ``top_k`` may not grow later.
    pictures
        Those of ``segmenter.PICTURES`` that are made along with the labels.

    Raises
    ------
    DeviceError
        The device has not enough memory.

    """

    def __init__(self, device: Device, engine: DeviceEngine, kernels: Module,
                 sizes: Sequence[tuple[int, int]], options: deeplab.Options,
                 pictures: frozenset[str] = frozenset()) -> None:
        self._device, self._engine = device, engine
        self._sizes, self._pictures = tuple(sizes), pictures
        self._graph: Graph | None = None
        self._ran, self._recordable = False, True
        count = len(sizes)
        # images of the network's own size are its input as they are
        self._resizes = any(size != engine.metadata.input_size for size in sizes)
        ends = np.cumsum([3 * height * width for height, width in sizes]).tolist()
        starts = [0, *ends[:-1]]
        self._owned = device.empty((ends[-1],), np.uint8) if self._resizes else None
        if self._owned is not None:
            self._target = self._owned
            cameras = [self._owned.part(*span) for span in zip(starts, ends, strict=True)]
        else:
            self._target = engine.image.part(0, count)
            cameras = [engine.image[image] for image in range(count)]
        self._pinned = device.pinned(self._target.shape, np.uint8)
        flat = self._pinned.reshape(-1)
        self._pixels = [flat[start:end].reshape(*size, 3)
                        for start, end, size in zip(starts, ends, sizes, strict=True)]
        heads = DeviceHeads(engine.semantic, engine.center, engine.offset, engine.metadata.grid)
        space = engine.metadata.label_space
        self._grouping = CudaGrouping(
            device, kernels, heads, space, sizes, options,
            frozenset(_PICTURES[name] for name in pictures), Cameras(cameras, engine.image),
            overlay.label_colors(space) if 'overlay' in pictures else None)
        self._moments = [device.event() for _ in range(3)]
        """After the upload, the network and the grouping."""

    @property
    def top_k(self) -> int:
        """The largest that the memory serves."""
        return self._grouping.top_k

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""
        return self._grouping.nbytes + (self._owned.nbytes if self._owned else 0)

    def change_options(self, options: deeplab.Options, opacity: float) -> None:
        """Take other thresholds, and another opacity of overlays, from the next run on."""
        if (options, opacity) != (self._grouping.options, self._grouping.opacity):
            self._grouping.change_options(options, opacity)

    def fill(self, images: Sequence[npt.NDArray[np.uint8]]) -> None:
        """Copy images, uint8 (H, W, 3), of the sizes in their order, into page-locked memory."""
        for pixels, image in zip(self._pixels, images, strict=True):
            np.copyto(pixels, image)

    def upload(self) -> None:
        """Enqueue the copy of the images to the device."""
        self._device.upload(self._target, self._pinned)

    def resize(self) -> None:
        """Enqueue the making of the network's input, where images have another size."""
        if self._resizes:
            self._grouping.enqueue_resize()

    def infer(self) -> None:
        """Enqueue the network on what stands in its input."""
        self._engine.enqueue(len(self._sizes))

    def group(self) -> None:
        """Enqueue the grouping of the heads."""
        self._grouping.enqueue()

    def download(self) -> None:
        """Enqueue the copy of labels, tables and pictures to the host."""
        self._grouping.enqueue_download()

    def enqueue(self) -> None:
        """Enqueue all of it, in the order of a frame, and events in between."""
        uploaded, inferred, grouped = self._moments
        self.upload()
        uploaded.record()
        self.resize()
        self.infer()
        inferred.record()
        self.group()
        grouped.record()
        self.download()

    def run(self, with_graph: bool = True) -> None:
        """
        Do all of it, from the second time on as a graph if that is wanted, and wait.

        Raises
        ------
        DeviceError
            The GPU fails.

        """
        if self._graph is not None:
            self._graph.launch()
        elif with_graph and self._ran and self._recordable:
            self._record()
        else:                   # the first run lets TensorRT set up what cannot be recorded
            self.enqueue()
            self._ran = True
        self._device.synchronize()

    def seconds(self) -> tuple[float, float]:
        """Return how long network, with the resize, and grouping took in the last run."""
        uploaded, inferred, grouped = self._moments
        return (1e-3 * inferred.elapsed_since(uploaded),
                1e-3 * grouped.elapsed_since(inferred))

    def results(self) -> list[Panoptic]:
        """Return what the last run found, for each image, in memory of its own."""
        found = []
        for image in range(len(self._sizes)):
            pictures = {name: self._grouping.picture(image, _PICTURES[name])
                        for name in self._pictures - {'confidence'}}
            found.append(self._grouping.result(image, pictures))
        return found

    def close(self) -> None:
        """Release the memory and the graph."""
        if self._graph is not None:
            self._graph.close()
            self._device.disown(self._graph)
        for moment in self._moments:
            moment.close()
            self._device.disown(moment)
        self._grouping.close()
        self._device.free(self._pinned)
        if self._owned is not None:
            self._owned.free()

    def _record(self) -> None:
        try:
            with self._device.capture() as graph:
                self.enqueue()
        except DeviceError as error:
            if error.sticky:
                raise
            _LOG.warning('no CUDA graph: %s; each frame is enqueued anew', error)
            self._recordable = False
            self.enqueue()
            return
        self._graph = graph
        graph.launch()
