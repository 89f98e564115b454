"""What every engine can do, whichever runtime executes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from .metadata import ModelMetadata

if TYPE_CHECKING:
    from ..device import DeviceArray


class Engine(Protocol):
    """A loaded network that turns images at its own resolution into tensors."""

    metadata: ModelMetadata
    description: str
    """The runtime and device that execute it, for people."""

    def __call__(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[Any]]:
        """
        Run the network.

        Parameters
        ----------
        images
            uint8 [N, H, W, 3], BGR, at ``metadata.input_size``.

        Returns
        -------
        What the network puts out, by name, each [N, ...].  The arrays may be reused by the next
        call.

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
    """A loaded network whose tensors stand in device memory, always in the same place."""

    metadata: ModelMetadata
    description: str
    """The runtime and device that execute it, for people."""
    batch: int
    """Most images at once."""
    image: DeviceArray
    """uint8 [batch, H, W, 3], BGR, at ``metadata.input_size``: what ``enqueue`` reads."""

    @property
    def outputs(self) -> Mapping[str, DeviceArray]:
        """What ``enqueue`` writes, by name, each [batch, ...]."""

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
