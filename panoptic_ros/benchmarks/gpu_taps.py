"""Stand between the grouping and the device: count kernels, leave some or the copy out."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from ..device import Device, DeviceArray, Module


class KernelTap:
    """
    A module of kernels that launches only the first few of a sequence.

    Attributes
    ----------
    names
        What was to be launched since ``begin``, in order.

    """

    def __init__(self, kernels: Module) -> None:
        self._kernels = kernels
        self._most: int | None = None
        self.names: list[str] = []

    def begin(self, most: int | None = None) -> None:
        """Begin a sequence, of which at most so many are launched; None is all."""
        self._most, self.names = most, []

    def launch(self, name: str, *arguments: Any, **keywords: Any) -> None:
        """Launch a kernel as ``Module.launch`` does, if it is among the first."""
        self.names.append(name)
        if self._most is None or len(self.names) <= self._most:
            self._kernels.launch(name, *arguments, **keywords)


class DeviceTap:
    """
    A device that copies results to the host only where that is wanted.

    Attributes
    ----------
    downloads
        Whether copies to the host are done.
    copied
        Source and target of the last one that was asked for.

    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self.downloads = True
        self.copied: tuple[DeviceArray, npt.NDArray[Any]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device, name)

    def download(self, source: DeviceArray, target: npt.NDArray[Any]) -> None:
        """Copy to the host as ``Device.download`` does, if that is wanted."""
        self.copied = source, target
        if self.downloads:
            self._device.download(source, target)

    def repeat_download(self) -> None:
        """Do the last copy again."""
        assert self.copied is not None
        self._device.download(*self.copied)
