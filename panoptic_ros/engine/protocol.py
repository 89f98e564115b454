"""What every engine can do, whichever runtime executes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from ..families.deeplab.heads import Heads
from .metadata import ModelMetadata

if TYPE_CHECKING:
    from ..device import DeviceArray


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


class DeviceEngine(Protocol):
    """A loaded network whose input and heads stand in device memory, always in the same place."""

    metadata: ModelMetadata
    description: str
    """The runtime and device that execute it, for people."""
    batch: int
    """Most images at once."""
    image: DeviceArray
    """uint8 [batch, H, W, 3], BGR, at ``metadata.input_size``: what ``enqueue`` reads."""
    semantic: DeviceArray
    """[batch, C, h, w] logits, float32 or float16, as the other heads."""
    center: DeviceArray
    """[batch, 1, h, w] heatmap."""
    offset: DeviceArray
    """[batch, 2, h, w] as (dy, dx) in pixels of the input."""

    def enqueue(self, count: int) -> None:
        """
        Run the network on the first ``count`` images.  Asynchronous on the device's stream.

        It can be captured in a graph after it was called once with the same count.

        Raises
        ------
        ValueError
            The count is not from 1 to ``batch``.
        RuntimeError
            A graph is being captured, and the count is new.
        DeviceError
            The device or the runtime fails.

        """
        ...

    def close(self) -> None:
        """Release the runtime and the device's memory."""
        ...
