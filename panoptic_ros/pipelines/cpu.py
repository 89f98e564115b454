"""From camera images to panoptic results on the processor."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import Engine
from ..engine.fitting import fit
from ..panoptic import Panoptic
from .contract import family_of
from .protocol import Segmented


class CpuPipeline:
    """
    Resizes an image, runs the network and decodes its outputs; see ``Pipeline``.

    Parameters
    ----------
    engine
        A loaded network.
    method
        How the outputs are decoded: 'cpu' or 'reference'.
    reason
        Why the model runs on the processor; empty if nobody chose.

    Raises
    ------
    ModelError
        The model's family is unknown.
    ValueError
        There is no such method.
    ImportError
        The method needs a library that is not installed.

    """

    stages = ('resize', 'network', 'grouping')
    """The stages of a call, in order."""

    batch = 1

    def __init__(self, engine: Engine, method: str = 'cpu', reason: str = '') -> None:
        self._engine, self._method = engine, method
        self.metadata = engine.metadata
        self.family = family_of(engine.metadata)
        self._decode = self.family.decoder(engine.metadata, method)
        self.description, self.reason = engine.description, reason
        self.about = {'GPU': 'none', 'precision': 'of the model'}

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]], options: Any,
                 confidence: bool) -> Segmented:
        """Segment images; see ``Pipeline``."""
        seconds = dict.fromkeys(self.stages, 0.0)
        return Segmented([self._segment(image, options, confidence, seconds)
                          for image in images], seconds)

    def warm_up(self) -> None:
        """Compile the functions that would be compiled on their first use."""
        self.family.warm_up(self._method)

    def memory(self) -> None:
        """Return None: there is no GPU."""

    def close(self) -> None:
        """Release the network."""
        self._engine.close()

    def _segment(self, image: npt.NDArray[np.uint8], options: Any, confidence: bool,
                 seconds: dict[str, float]) -> Panoptic:
        moments = [perf_counter()]
        resized = fit(image, self.metadata.input_size, self.metadata.padding)
        moments.append(perf_counter())
        outputs = self._engine(resized[np.newaxis])
        moments.append(perf_counter())
        own = {name: tensor[0] for name, tensor in outputs.items()}
        panoptic = self._decode(own, (image.shape[0], image.shape[1]), options, confidence)
        self.family.check(panoptic, own)
        moments.append(perf_counter())
        for stage, begin, end in zip(self.stages, moments, moments[1:], strict=False):
            seconds[stage] += end - begin
        return panoptic
