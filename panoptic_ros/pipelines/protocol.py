"""The interface of every pipeline, on every device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ..engine import ModelMetadata
from ..families import Family
from ..panoptic import Panoptic


class Segmented(NamedTuple):
    """The results of some images, and the time that they took."""

    panoptics: list[Panoptic]
    """One result for each image, in the order of the images."""
    seconds: dict[str, float]
    """The seconds that each stage took for all images together."""


class Pipeline(Protocol):
    """An engine and a decoder on one device, which turn images into results."""

    metadata: ModelMetadata
    family: Family
    description: str
    """The runtime and the device of the network, in words."""
    about: dict[str, str]
    """Facts about the engine: ``GPU``, ``precision``, and when it was ``built`` (ISO 8601)."""
    reason: str
    """Why the model runs on this device; empty if nobody chose."""
    batch: int
    """Number of images that are served together; more images are served in turns."""

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of a call, in order."""

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]], options: Any,
                 confidence: bool) -> Segmented:
        """
        Segment images.

        Parameters
        ----------
        images
            uint8 (H, W, 3), BGR, each of a size of its own.
        options
            Options of the family, an instance of ``Family.options``.
        confidence
            Whether to compute ``Panoptic.confidence`` as well.

        Raises
        ------
        OutputError
            The network's outputs for an image mean nothing, such as NaN.
        DeviceError
            The GPU fails or has not enough memory; after a ``sticky`` error only ``close`` works.

        """
        ...

    def warm_up(self) -> None:
        """Load and compile now what would be loaded and compiled on its first use."""

    def memory(self) -> tuple[int, int] | None:
        """Return the free and total bytes of the GPU's memory; None on a processor."""

    def close(self) -> None:
        """Release everything."""
