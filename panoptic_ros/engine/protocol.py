"""What every engine can do, whichever runtime executes it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..heads import Heads
from .metadata import ModelMetadata


class Engine(Protocol):
    """A loaded network that turns images at its own resolution into heads."""

    metadata: ModelMetadata
    description: str
    """The runtime and device that execute it, for people."""

    def __call__(self, images: npt.NDArray[np.uint8]) -> list[Heads]:
        """
        Run the network.

        Parameters
        ----------
        images
            uint8 [N, H, W, 3], BGR, at ``metadata.input_size``.

        Returns
        -------
        One ``Heads`` per image.  Their arrays may be reused by the next call.

        Raises
        ------
        ValueError
            The images have another type or size.

        """
        ...

    def close(self) -> None:
        """Release the runtime and the device's memory."""
        ...
