"""From a camera image to its panoptic label image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .engine import ModelError, ModelMetadata
from .engine.fitting import check_image
from .families import Family
from .labels import LabelSpace
from .panoptic import Panoptic
from .pipelines.contract import recommended
from .pipelines.opening import Setup, open_pipeline
from .pipelines.protocol import Pipeline, Segmented
from .tensors import OutputError

__all__ = ['Segmented', 'Segmenter', 'Setup']


class Segmenter:
    """
    Image in, ``Panoptic`` out.

    A segmenter serves one thread at a time.  On a GPU, the thread that opened it makes all calls
    and closes it.

    Parameters
    ----------
    pipeline
        The pipeline that turns images into results; the segmenter closes it.
    options
        Options of the decoder, an instance of ``pipeline.family.options``.  By default they are
        those that the model recommends.  They may be assigned between calls.

    Raises
    ------
    ModelError
        The model recommends options that cannot be used; the pipeline is then closed.

    """

    def __init__(self, pipeline: Pipeline, options: Any = None) -> None:
        self._pipeline = pipeline
        try:
            self.recommended = recommended(pipeline.metadata)
            """The options that the model recommends."""
        except ModelError:
            pipeline.close()
            raise
        self.options: Any = self.recommended if options is None else options

    @classmethod
    def open(cls, path: str | Path, device: str = 'auto', options: Any = None,
             setup: Setup | None = None) -> Segmenter:
        """
        Open a model file.

        Parameters
        ----------
        path
            An ``.onnx`` file, or a ``.plan``, which runs on a GPU only.
        device
            'cpu' or 'gpu'; 'auto' takes a GPU if there is one that can be used.  For a GPU, the
            plan of an ONNX file is taken from the cache, or else built, which takes minutes.
        options
            As for ``Segmenter``.
        setup
            How to open the model.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ModelError
            The file is not a model, lacks a part of the engine contract, or is a plan for another
            GPU.
        ImportError
            The runtime for that kind of file is not installed.
        DeviceError
            There is no GPU, or it fails.
        BuildError, BuildCancelled
            A plan could not be built, or ``setup.cancelled`` returned true.
        ValueError
            There is no such device, or a value of the setup is not allowed.

        """
        pipeline = open_pipeline(Path(path), device, setup or Setup())
        try:
            return cls(pipeline, options)
        except ModelError as error:
            raise ModelError(f'{path}: {error}') from error

    @property
    def metadata(self) -> ModelMetadata:
        """The model's metadata."""
        return self._pipeline.metadata

    @property
    def family(self) -> Family:
        """The family that decodes the network's outputs."""
        return self._pipeline.family

    @property
    def label_space(self) -> LabelSpace:
        """The classes that the model knows."""
        return self._pipeline.metadata.label_space

    @property
    def description(self) -> str:
        """The runtime and the device of the network, in words."""
        return self._pipeline.description

    @property
    def about(self) -> dict[str, str]:
        """Facts about the engine: ``GPU``, ``precision``, and when it was ``built`` (ISO 8601)."""
        return dict(self._pipeline.about)

    @property
    def reason(self) -> str:
        """Why the model runs on this device; empty if nobody chose."""
        return self._pipeline.reason

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of a call, in order."""
        return self._pipeline.stages

    @property
    def batch(self) -> int:
        """The number of images that one call serves best."""
        return self._pipeline.batch

    def gpu_memory(self) -> tuple[int, int] | None:
        """Return the free and total bytes of the GPU's memory; None on a processor."""
        return self._pipeline.memory()

    def __call__(self, image: npt.NDArray[np.uint8], confidence: bool = False) -> Panoptic:
        """
        Segment one image.

        Parameters
        ----------
        image
            (H, W, 3) uint8, BGR, of any size; the result has the same size.
        confidence
            Whether to compute ``Panoptic.confidence`` as well.

        Raises
        ------
        ValueError
            The image is not as above, or the network's outputs for it mean nothing, such as NaN
            (``tensors.OutputError``).
        DeviceError
            The GPU fails.

        """
        return self.segment([image], confidence).panoptics[0]

    def segment(self, images: Sequence[npt.NDArray[np.uint8]],
                confidence: bool = False) -> Segmented:
        """
        Segment several images, each of a size of its own; a GPU takes them together.

        Parameters
        ----------
        images, confidence
            As for a call with one image.

        Returns
        -------
        The results, and the seconds that each of ``stages`` took for all images together.

        Raises
        ------
        ValueError
            An image is not as above, or the network's outputs for it mean nothing, such as NaN.
        DeviceError
            The GPU fails.

        """
        for image in images:
            check_image(image)
        return self._pipeline(images, self.options, confidence)

    def warm_up(self, size: tuple[int, int] | None = None) -> None:
        """
        Compile, and segment a black image, so that no frame has to wait for that.

        ``size`` is the image's (height, width) in pixels, by default that of the network's input.
        """
        self._pipeline.warm_up()
        black = np.zeros((*(size or self.metadata.input_size), 3), np.uint8)
        for _ in range(2):      # a GPU records its work the second time
            with suppress(OutputError):     # what black is for the network is nobody's concern
                self(black)

    def close(self) -> None:
        """Release the network; the segmenter cannot be called afterwards."""
        self._pipeline.close()
