"""What a model file says about itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..heads import Grid, Heads
from ..labels import LabelSpace

HEADS = ('semantic', 'center', 'offset')
"""Names of the engine contract's outputs."""

Head = npt.NDArray[np.floating]

_PREFIX = 'panoptic_ros.'
_REQUIRED = ('network', 'input_size', 'stride', 'label_space', 'training', 'quality')
_LARGEST_SIDE = 16384
_OPTIONAL = ('grouping', 'align_corners')


class ModelError(ValueError):
    """A model file that does not keep the engine contract."""


@dataclass(frozen=True)
class ModelMetadata:
    """The part of the engine contract that tensors cannot carry, kept in the file itself."""

    network: str
    """Name of the network's variant."""
    input_size: tuple[int, int]
    """(height, width) in pixels that the network takes."""
    stride: int
    """Input pixels per cell of the heads."""
    label_space: LabelSpace
    training: dict[str, Any]
    """Data set, recipe, seed and date."""
    quality: dict[str, Any]
    """Measured PQ, SQ and RQ, in percent, and on what; empty when nobody measured."""
    grouping: dict[str, Any] = field(default_factory=dict)
    """Fields of ``GroupingOptions`` that suit this model's resolution better than the defaults."""
    align_corners: bool = False
    """Where the heads' cells lie, see ``Grid``."""

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
        data = asdict(self) | {'label_space': self.label_space.to_dict()}
        return {_PREFIX + key: json.dumps(value) for key, value in data.items()}

    @classmethod
    def from_properties(cls, properties: Mapping[str, str], source: str) -> ModelMetadata:
        """
        Read what ``to_properties`` wrote.

        Raises
        ------
        ModelError
            A property is missing or unreadable; ``source`` names the file in the message.

        """
        missing = [key for key in _REQUIRED if _PREFIX + key not in properties]
        if missing:
            raise ModelError(
                f'{source} lacks the metadata {", ".join(missing)}: export the model with '
                '`ros2 run panoptic_ros export`, which writes them')
        try:
            data = {key: json.loads(properties[_PREFIX + key])
                    for key in (*_REQUIRED, *_OPTIONAL) if _PREFIX + key in properties}
            height, width = map(int, data['input_size'])
            if not (0 < height <= _LARGEST_SIDE and 0 < width <= _LARGEST_SIDE):
                raise ValueError(f'input_size is {height}, {width}: expected 1 to '
                                 f'{_LARGEST_SIDE} pixels')
            stride = int(data['stride'])
            if stride < 1:
                raise ValueError(f'stride is {stride}: expected at least 1')
            return cls(**data | {
                'input_size': (height, width), 'stride': stride,
                'label_space': LabelSpace.from_dict(data['label_space'])})
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise ModelError(f'{source} has metadata that cannot be read: {error}') from error
