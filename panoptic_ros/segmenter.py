"""From a camera image to its panoptic label image."""

from __future__ import annotations

from collections.abc import Sequence
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

__all__ = ['Segmented', 'Segmenter', 'Setup']


class Segmenter:
    """
    Image in, ``Panoptic`` out.

    It serves one thread at a time; on a GPU always the one that opened it, which also closes it.

    Parameters
    ----------
    pipeline
        What turns images into results; the segmenter closes it.
    options
        How outputs are decoded, of ``pipeline.family.options``; by default those that the model
        recommends.  They may be assigned between calls.

    Raises
    ------
    ModelError
        The model recommends options that there are not; the pipeline is then closed.

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
            'cpu' or 'gpu'; 'auto' takes a GPU where there is one that can be used.  On a GPU the
            plan of an ONNX file is found in the cache, or built, which takes minutes.
        options
            As for ``Segmenter``.
        setup
            How to open it, beside where.

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
            A plan could not be built, or ``setup.cancelled`` said so.
        ValueError
            There is no such device, or a value of the setup is none of those that it may be.

        """
        pipeline = open_pipeline(Path(path), device, setup or Setup())
        try:
            return cls(pipeline, options)
        except ModelError as error:
            raise ModelError(f'{path}: {error}') from error

    @property
    def metadata(self) -> ModelMetadata:
        """What the model says about itself."""
        return self._pipeline.metadata

    @property
    def family(self) -> Family:
        """The family that decodes what the network puts out."""
        return self._pipeline.family

    @property
    def label_space(self) -> LabelSpace:
        """The classes that the model knows."""
        return self._pipeline.metadata.label_space

    @property
    def description(self) -> str:
        """The runtime and device that execute the network, for people."""
        return self._pipeline.description

    @property
    def about(self) -> dict[str, str]:
        """Of the engine: ``GPU``, ``precision``, and when it was ``built`` (ISO 8601)."""
        return dict(self._pipeline.about)

    @property
    def reason(self) -> str:
        """Why the model is on the device that it is on; empty where nobody chose."""
        return self._pipeline.reason

    @property
    def stages(self) -> tuple[str, ...]:
        """What a call consists of, in order."""
        return self._pipeline.stages

    @property
    def batch(self) -> int:
        """How many images it is best given at once."""
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
            Also compute ``Panoptic.confidence``.

        Raises
        ------
        ValueError
            The image is not as above.
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
            As for a call with one.

        Returns
        -------
        The results, and the seconds that each of ``stages`` took for all of them.

        Raises
        ------
        ValueError
            An image is not as above.
        DeviceError
            The GPU fails.

        """
        for image in images:
            check_image(image)
        return self._pipeline(images, self.options, confidence)

    def warm_up(self, size: tuple[int, int] | None = None) -> None:
        """
        Compile, and segment a black image, so that no frame waits for it.

        ``size`` is (height, width) in pixels, by default that of the network's input.
        """
        self._pipeline.warm_up()
        black = np.zeros((*(size or self.metadata.input_size), 3), np.uint8)
        for _ in range(2):      # a GPU records its work the second time
            self(black)

    def close(self) -> None:
        """Release the network; the segmenter cannot be called afterwards."""
        self._pipeline.close()
