"""Stands between the grouping and its kernels: counts them, leaves some out."""

from __future__ import annotations

from typing import Any

from ..device import Module


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
