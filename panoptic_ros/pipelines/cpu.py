"""From camera images to panoptic results on the processor."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np
import numpy.typing as npt

from ..engine import Engine
from ..engine.fitting import fit
from ..families import deeplab
from ..panoptic import Panoptic


class CpuPipeline:
    """
    Resizes an image, runs the network and groups its heads, one after the other.

    Parameters
    ----------
    engine
        A loaded network.
    method
        How pixels are grouped: 'cpu' or 'reference'.

    """

    stages = ('resize', 'network', 'grouping')
    """What a call consists of, in order."""

    batch = 1

    def __init__(self, engine: Engine, method: str = 'cpu') -> None:
        self._engine, self._method = engine, method
        self.metadata = engine.metadata
        self.description = engine.description
        self.about = {'GPU': 'none', 'precision': 'of the model'}

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]], options: deeplab.Options,
                 pictures: frozenset[str], opacity: float,
                 times: dict[str, float] | None = None) -> list[Panoptic]:
        """Segment images; see ``Segmenter``.  Of the pictures it makes only the confidence."""
        return [self._segment(image, options, 'confidence' in pictures, times)
                for image in images]

    def warm_up(self) -> None:
        """Compile what is compiled on its first use."""
        deeplab.warm_up(self._method)

    def close(self) -> None:
        """Release the network."""
        self._engine.close()

    def _segment(self, image: npt.NDArray[np.uint8], options: deeplab.Options, confidence: bool,
                 times: dict[str, float] | None) -> Panoptic:
        start = perf_counter()
        resized = fit(image, self.metadata.input_size)
        prepared = perf_counter()
        heads = self._engine(resized[np.newaxis])[0]
        inferred = perf_counter()
        panoptic = deeplab.decode(heads, self.metadata.label_space,
                                  size=(image.shape[0], image.shape[1]), method=self._method,
                                  options=options, confidence=confidence)
        if times is not None:
            ends = (prepared, inferred, perf_counter())
            starts = (start, prepared, inferred)
            for stage, begin, end in zip(self.stages, starts, ends, strict=True):
                times[stage] = times.get(stage, 0.0) + end - begin
        return panoptic
