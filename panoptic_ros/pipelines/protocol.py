"""What every pipeline can do, on whichever device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ..engine import ModelMetadata
from ..families import Family
from ..panoptic import Panoptic


class Segmented(NamedTuple):
    """The results of some images, and how long they took."""

    panoptics: list[Panoptic]
    """One for each image, in their order."""
    seconds: dict[str, float]
    """What each stage took for all of them."""


class Pipeline(Protocol):
    """What turns images into results, on one kind of device."""

    metadata: ModelMetadata
    family: Family
    description: str
    """The runtime and device that execute the network, for people."""
    about: dict[str, str]
    """Of the engine: ``GPU``, ``precision``, and when it was ``built`` (ISO 8601)."""
    reason: str
    """Why it is on the device that it is on; empty where nobody chose."""
    batch: int
    """Images that are served together; more are served in turns."""

    @property
    def stages(self) -> tuple[str, ...]:
        """What a call consists of, in order."""

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]], options: Any,
                 confidence: bool) -> Segmented:
        """
        Segment images.

        Parameters
        ----------
        images
            uint8 (H, W, 3), BGR, each of a size of its own.
        options
            Of the family's class.
        confidence
            Whether to compute ``Panoptic.confidence`` as well.

        Raises
        ------
        DeviceError
            The GPU fails or has not enough memory; after a ``sticky`` one only ``close`` works.

        """
        ...

    def warm_up(self) -> None:
        """Load and compile what is compiled on its first use."""

    def memory(self) -> tuple[int, int] | None:
        """Return the free and total bytes of the GPU's memory; None on a processor."""

    def close(self) -> None:
        """Release everything."""
