"""Every entry of a foreign checkpoint: used, missing, left over, or of another shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor

COUNTER = 'num_batches_tracked'
"""Entries that count the training's steps; only a training has use for them."""

NORMALISATION = ('pixel_mean', 'pixel_std')
"""Entries of older detectron2 files that tell how pixels are normalised."""


@dataclass(frozen=True)
class Comparison:
    """The entries of a file compared with those of a network, by the source's names."""

    used: tuple[str, ...]
    normalisation: tuple[str, ...]
    """Entries that are used, too, for what a network here has in its configuration."""
    missing: tuple[str, ...]
    counters: tuple[str, ...]
    """Entries that are missing, but of use to a training only."""
    left_over: tuple[str, ...]
    allowed: tuple[str, ...]
    """Entries that are left over, but allowed by name."""
    mismatched: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    """The shape found, and the one expected."""

    @classmethod
    def of(cls, weights: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]],
           allowed: Sequence[str] = ()) -> Comparison:
        """
        Compare.

        Parameters
        ----------
        weights
            The weights of the file.
        shapes
            The shape of each entry of the network, by the source's names.
        allowed
            Names, or patterns with ``*`` and ``?``, of entries that may be left over.

        """
        groups: dict[str, list[str]] = {name: [] for name in (
            'used', 'normalisation', 'missing', 'counters', 'left_over', 'allowed')}
        mismatched = {}
        for name, shape in shapes.items():
            if name not in weights:
                groups['counters' if name.endswith(COUNTER) else 'missing'].append(name)
            elif tuple(weights[name].shape) != shape:
                mismatched[name] = tuple(weights[name].shape), shape
            else:
                groups['used'].append(name)
        for name in weights:
            if name in shapes:
                continue
            if name in NORMALISATION:
                groups['normalisation'].append(name)
            elif any(fnmatchcase(name, pattern) for pattern in allowed):
                groups['allowed'].append(name)
            else:
                groups['left_over'].append(name)
        return cls(**{name: tuple(found) for name, found in groups.items()},
                   mismatched=mismatched)

    @property
    def complete(self) -> bool:
        """Whether every entry of the network is there, and none is left over."""
        return not (self.missing or self.left_over or self.mismatched)

    def to_dict(self) -> dict[str, Any]:
        """Return every name as plain data."""
        return asdict(self)
