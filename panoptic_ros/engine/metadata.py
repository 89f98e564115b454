"""What a model file says about itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from ..families.deeplab.heads import Heads
from ..labels import LabelSpace
from ..plain_data import Between, Length, check, plain, read
from ..segments.grid import Grid

HEADS = ('semantic', 'center', 'offset')
"""Names of the engine contract's outputs."""

Head = npt.NDArray[np.floating]

PREFIX = 'panoptic_ros.'
"""Of the names of the metadata in ONNX files."""
_REQUIRED = ('network', 'input_size', 'stride', 'label_space', 'training', 'quality')
_LARGEST_SIDE = 16384
_OPTIONAL = ('grouping', 'align_corners')
_LONGEST = 1 << 20

Side = Annotated[int, Between(1, _LARGEST_SIDE)]


class ModelError(ValueError):
    """A model file that does not keep the engine contract."""


@dataclass(frozen=True)
class ModelMetadata:
    """
    The part of the engine contract that tensors cannot carry, kept in the file itself.

    Raises
    ------
    ValueError
        A value is of another type or out of range, or a text too long or not to be encoded.

    """

    network: Annotated[str, Length(200, 1)]
    """Name of the network's variant."""
    input_size: tuple[Side, Side]
    """(height, width) in pixels that the network takes."""
    stride: Annotated[int, Between(1, _LARGEST_SIDE)]
    """Input pixels per cell of the heads."""
    label_space: LabelSpace
    training: dict[str, Any]
    """Data set, recipe, seed and date."""
    quality: dict[str, Any]
    """Measured PQ, SQ and RQ, in percent, and on what; empty when nobody measured."""
    grouping: dict[str, Any] = field(default_factory=dict)
    """Fields of ``deeplab.Options`` that suit this model's resolution better than the defaults."""
    align_corners: bool = False
    """Where the heads' cells lie, see ``Grid``."""

    def __post_init__(self) -> None:
        check(self)

    @property
    def grid(self) -> Grid:
        """Where the heads' cells lie on the input."""
        return Grid(self.input_size, self.stride, self.align_corners)

    @property
    def shapes(self) -> dict[str, tuple[int, int, int]]:
        """What the contract's tensors have for one image, by name: 'image' and ``HEADS``."""
        channels = (len(self.label_space), 1, 2)
        heads = {name: (count, *self.grid.cells)
                 for name, count in zip(HEADS, channels, strict=True)}
        return {'image': (*self.input_size, 3), **heads}

    def heads(self, semantic: Head, center: Head, offset: Head) -> Heads:
        """Return what the network computed from one image: (C, h, w), (h, w) and (2, h, w)."""
        return Heads(semantic, center, offset, self.stride, self.align_corners, self.input_size)

    def to_properties(self) -> dict[str, str]:
        """Return the metadata as ONNX ``metadata_props``: names with a prefix, values in JSON."""
        return {PREFIX + key: json.dumps(value) for key, value in plain(self).items()}

    @classmethod
    def from_properties(cls, properties: Mapping[str, str], source: str) -> ModelMetadata:
        """
        Read what ``to_properties`` wrote.

        Raises
        ------
        ModelError
            A property is missing or unreadable; ``source`` names the file in the message.

        """
        missing = [key for key in _REQUIRED if PREFIX + key not in properties]
        if missing:
            raise ModelError(
                f'{source} lacks the metadata {", ".join(missing)}: export the model with '
                '`ros2 run panoptic_ros export`, which writes them')
        try:
            return read(cls, {key: _value(key, properties[PREFIX + key])
                              for key in (*_REQUIRED, *_OPTIONAL) if PREFIX + key in properties})
        except RecursionError as error:
            raise ModelError(f'{source} has metadata that cannot be read: they are nested '
                             'too deeply') from error
        except ValueError as error:
            raise ModelError(f'{source} has metadata that cannot be read: {error}') from error


def _value(key: str, text: str) -> Any:
    if len(text) > _LONGEST:
        raise ValueError(f'{key} has {len(text)} characters: expected {_LONGEST} at most')
    return json.loads(text)
