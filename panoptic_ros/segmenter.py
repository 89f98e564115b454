"""From a camera image to its panoptic label image."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
import numpy.typing as npt

from . import engine as engines
from . import grouping
from .engine import Engine, ModelMetadata
from .grouping import GroupingOptions
from .labels import LabelSpace
from .panoptic import Panoptic

STAGES = ('resize', 'network', 'grouping')
"""What a call consists of, in order."""


class Segmenter:
    """
    An engine and the grouping of its heads: image in, ``Panoptic`` out.

    It serves one thread at a time.

    Parameters
    ----------
    engine
        A loaded network.
    options
        Thresholds of the grouping; by default those that the model asks for.  They may be
        assigned between calls.
    method
        How pixels are grouped: 'cpu' or 'reference'.

    """

    def __init__(self, engine: Engine, options: GroupingOptions | None = None,
                 method: str = 'cpu') -> None:
        self._engine = engine
        self._method = method
        self.options = options or GroupingOptions(**engine.metadata.grouping)

    @classmethod
    def open(cls, path: str | Path, options: GroupingOptions | None = None,
             threads: int = 0, method: str = 'cpu') -> Segmenter:
        """
        Open a model file.

        Parameters
        ----------
        path
            The file: ``.onnx`` runs on the CPU.
        options, method
            As for ``Segmenter``.
        threads
            Threads of the network on the CPU; 0 leaves it to the runtime.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ModelError
            The file is not a model, or lacks a part of the engine contract.
        ImportError
            The runtime for that kind of file is not installed.

        """
        return cls(engines.load(path, threads), options, method)

    @property
    def metadata(self) -> ModelMetadata:
        """What the model says about itself."""
        return self._engine.metadata

    @property
    def label_space(self) -> LabelSpace:
        """The classes that the model knows."""
        return self._engine.metadata.label_space

    @property
    def description(self) -> str:
        """The runtime and device that execute the network, for people."""
        return self._engine.description

    def __call__(self, image: npt.NDArray[np.uint8], confidence: bool = False,
                 times: dict[str, float] | None = None) -> Panoptic:
        """
        Segment one image.

        Parameters
        ----------
        image
            (H, W, 3) uint8, BGR, of any size; the result has the same size.
        confidence
            Also compute ``Panoptic.confidence``.
        times
            Receives the seconds that each of ``STAGES`` took.

        Raises
        ------
        ValueError
            The image is not as above.

        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(f'image is {image.dtype} {image.shape}: expected uint8 (H, W, 3), '
                             'BGR, not empty')
        start = perf_counter()
        height, width = self.metadata.input_size
        resized = image
        if image.shape[:2] != (height, width):
            shrinks = image.shape[0] > height and image.shape[1] > width
            resized = np.asarray(cv2.resize(
                image, (width, height),
                interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8)
        prepared = perf_counter()
        heads = self._engine(resized[np.newaxis])[0]
        inferred = perf_counter()
        panoptic = grouping.group(heads, self.label_space, size=(image.shape[0], image.shape[1]),
                                  method=self._method, options=self.options,
                                  confidence=confidence)
        if times is not None:
            grouped = perf_counter()
            times.update(zip(STAGES, (prepared - start, inferred - prepared, grouped - inferred),
                             strict=True))
        return panoptic

    def warm_up(self, size: tuple[int, int] = (480, 640)) -> None:
        """Compile, and segment a black image of (height, width), so that no frame waits for it."""
        grouping.warm_up(self._method)
        self(np.zeros((*size, 3), np.uint8))

    def close(self) -> None:
        """Release the network; the segmenter cannot be called afterwards."""
        self._engine.close()
