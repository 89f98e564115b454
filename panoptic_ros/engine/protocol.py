"""The interface of every engine, whichever runtime it uses."""

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
    """The runtime and the device, in words."""

    def __call__(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[Any]]:
        """
        Run the network.

        Parameters
        ----------
        images
            uint8 [N, H, W, 3], BGR, at ``metadata.input_size``.

        Returns
        -------
        The outputs by name, each [N, ...].  The next call may reuse the arrays.

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
    """A loaded network whose tensors always have the same place in device memory."""

    metadata: ModelMetadata
    description: str
    """The runtime and the device, in words."""
    batch: int
    """Largest number of images at once."""
    image: DeviceArray
    """What ``enqueue`` reads: uint8 [batch, H, W, 3], BGR, at ``metadata.input_size``."""

    @property
    def outputs(self) -> Mapping[str, DeviceArray]:
        """The outputs that ``enqueue`` writes, by name, each [batch, ...]."""

    def enqueue(self, count: int) -> None:
        """
        Enqueue the network for the first ``count`` images on the device's stream.

        A graph can capture this call after an earlier call with the same count.

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
