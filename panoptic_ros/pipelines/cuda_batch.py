"""The work on a GPU for images that come together: one upload, one graph, one download."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..device import Device, DeviceError, Graph, Module
from ..engine.protocol import DeviceEngine
from ..families import Family
from ..panoptic import Panoptic
from .resizing import Resizer

_LOG = logging.getLogger(__name__)


class Batch:
    """
    Memory for images of certain sizes, and the work on them, in consecutive parts.

    Each part enqueues work on the device's stream and can be recorded.  ``run`` does all parts and
    waits.

    Parameters
    ----------
    device, engine, kernels
        The GPU, the network on it, and the kernels of ``family``.
    family
        The family that decodes the network's outputs.
    sizes
        (height, width) of each image.
    options
        Options of the family, an instance of ``Family.options``.
    confidence
        Whether to compute ``Panoptic.confidence`` as well.

    Raises
    ------
    DeviceError
        The device has not enough memory.

    """

    def __init__(self, device: Device, engine: DeviceEngine, kernels: Module, family: Family,
                 sizes: Sequence[tuple[int, int]], options: Any,
                 confidence: bool = False) -> None:
        self._device, self._engine, self._family = device, engine, family
        self._graph: Graph | None = None
        self._ran, self._recordable = False, True
        self._count = count = len(sizes)
        ends = np.cumsum([3 * height * width for height, width in sizes]).tolist()
        starts = [0, *ends[:-1]]
        self._resizer: Resizer | None = None
        if all(size == engine.metadata.input_size for size in sizes):
            self._target = engine.image.part(0, count)      # the images are the input
        else:
            self._target = device.empty((ends[-1],), np.uint8)
            cameras = [self._target.part(*span) for span in zip(starts, ends, strict=True)]
            self._resizer = Resizer(device, kernels, cameras, sizes, engine.image,
                                    engine.metadata.padding)
        self._pinned = device.pinned(self._target.shape, np.uint8)
        flat = self._pinned.reshape(-1)
        self._pixels = [flat[start:end].reshape(*size, 3)
                        for start, end, size in zip(starts, ends, sizes, strict=True)]
        self._decoder = family.device_decoder(device, kernels, engine.outputs, engine.metadata,
                                              sizes, options, confidence)
        self._moments = [device.event() for _ in range(3)]
        """Events after the upload, the network and the decoder."""

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""
        resizing = self._target.nbytes + self._resizer.nbytes if self._resizer else 0
        return self._decoder.nbytes + resizing

    def serves(self, options: Any) -> bool:
        """Return whether the memory is enough for other options."""
        return self._decoder.serves(options)

    def change_options(self, options: Any) -> None:
        """Use other options from the next run on; the memory must be enough for them."""
        if options != self._decoder.options:
            self._decoder.change_options(options)

    def fill(self, images: Sequence[npt.NDArray[np.uint8]]) -> None:
        """Copy images, uint8 (H, W, 3), in the order of the sizes, into page-locked memory."""
        for pixels, image in zip(self._pixels, images, strict=True):
            np.copyto(pixels, image)

    def upload(self) -> None:
        """Enqueue the copy of the images to the device."""
        self._device.upload(self._target, self._pinned)

    def resize(self) -> None:
        """Enqueue the resize to the network's input, if an image has another size."""
        if self._resizer is not None:
            self._resizer.enqueue()

    def infer(self) -> None:
        """Enqueue the network, which reads its input in device memory."""
        self._engine.enqueue(self._count)

    def decode(self) -> None:
        """Enqueue the decoding of the outputs."""
        self._decoder.enqueue()

    def download(self) -> None:
        """Enqueue the copy of labels, tables and confidences to the host."""
        self._decoder.enqueue_download()

    def enqueue(self) -> None:
        """Enqueue all parts in their order, with events in between."""
        uploaded, inferred, decoded = self._moments
        self.upload()
        uploaded.record()
        self.resize()
        self.infer()
        inferred.record()
        self.decode()
        decoded.record()
        self.download()

    def run(self, with_graph: bool = True) -> None:
        """
        Do all parts and wait; from the second time on as a graph, if ``with_graph`` is true.

        Raises
        ------
        DeviceError
            The GPU fails.

        """
        if self._graph is not None:
            self._graph.launch()
        elif with_graph and self._ran and self._recordable:
            self._record()
        else:                   # in the first run TensorRT sets up what cannot be recorded
            self.enqueue()
            self._ran = True
        self._device.synchronize()

    def seconds(self) -> tuple[float, float]:
        """Return the seconds of network, with the resize, and decoder in the last run."""
        uploaded, inferred, decoded = self._moments
        return (1e-3 * inferred.elapsed_since(uploaded),
                1e-3 * decoded.elapsed_since(inferred))

    def results(self) -> list[Panoptic]:
        """
        Return the results of the last run, one for each image, in memory of their own.

        Raises
        ------
        OutputError
            The network's outputs for an image mean nothing, such as NaN.

        """
        found = []
        for image in range(self._count):
            found.append(self._decoder.result(image))
            self._family.check(found[-1], _OutputsOf(self._device, self._engine, image))
        return found

    def close(self) -> None:
        """Release the memory and the graph."""
        if self._graph is not None:
            self._graph.close()
            self._device.disown(self._graph)
        for moment in self._moments:
            moment.close()
            self._device.disown(moment)
        self._decoder.close()
        self._device.free(self._pinned)
        if self._resizer is not None:
            self._resizer.close()
            self._target.free()

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


class _OutputsOf(Mapping[str, npt.NDArray[Any]]):
    """The network's outputs for one image, each copied to the host when it is looked up."""

    def __init__(self, device: Device, engine: DeviceEngine, image: int) -> None:
        self._device, self._outputs, self._image = device, engine.outputs, image

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        source = self._outputs[name][self._image]
        target = np.empty(source.shape, source.dtype)
        self._device.download(source, target)
        self._device.synchronize()
        return target

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)
