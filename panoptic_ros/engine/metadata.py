"""The metadata of a model file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, TypeAlias

from ..labels import LabelSpace
from ..plain_data import Between, Length, check, plain, read, show
from ..tensors import Outputs

PREFIX = 'panoptic_ros.'
"""What the names of our metadata in ONNX files begin with."""
_REQUIRED = ('network', 'input_size', 'label_space', 'training', 'quality')
_FORMER = {'grouping': 'options'}
"""The names that properties have in older files, and their names today."""
_LARGEST_SIDE = 16384
_LONGEST = 1 << 20
_MOST_OUTPUTS = 16

Side = Annotated[int, Between(1, _LARGEST_SIDE)]


class ModelError(ValueError):
    """A model file does not keep the engine contract."""


@dataclass(frozen=True)
class Output:
    """A tensor that the network puts out, as its file declares it for one image."""

    name: Annotated[str, Length(100, 1)]
    shape: Annotated[tuple[Annotated[int, Between(1, 1 << 24)], ...], Length(8)]
    """Sizes, without the batch in front."""
    type: Annotated[str, Length(20, 1)]
    """The type's name in NumPy."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class ModelMetadata:
    """
    The part of the engine contract that tensors cannot carry; the model's file keeps it.

    Raises
    ------
    ValueError
        A value is of another type or out of range, or a text is too long or cannot be encoded.

    """

    network: Annotated[str, Length(200, 1)]
    """Name of the network's variant."""
    input_size: tuple[Side, Side]
    """The network's input (height, width) in pixels."""
    label_space: LabelSpace
    training: dict[str, Any] = field(default_factory=dict)
    """Data set, recipe, seed and date."""
    quality: dict[str, Any] = field(default_factory=dict)
    """PQ, SQ and RQ in percent, and the data they were measured on; empty if nobody measured."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the family that suit this model better than the published ones."""
    family: Annotated[str, Length(100, 1)] = 'deeplab'
    """Name of the family that decodes the outputs."""
    layout: dict[str, Any] = field(default_factory=dict)
    """All further metadata of the file; only the family understands them."""
    outputs: Annotated[tuple[Output, ...], Length(_MOST_OUTPUTS)] = ()
    """The tensors that the network puts out; older files list none, and the family knows them."""
    fit: Annotated[str, Length(20, 1)] = 'stretch'
    """How an image is brought to the network's input; see ``segments.grid.filled``."""

    def __post_init__(self) -> None:
        check(self)
        if taken := sorted(set(self.layout) & _own_keys()):
            raise ValueError(f'layout has {taken[0]}: expected names that the metadata do not '
                             'have themselves')

    def to_properties(self) -> dict[str, str]:
        """Return the metadata as ONNX ``metadata_props``: names with a prefix, values in JSON."""
        own = plain(self)
        layout = own.pop('layout')
        return {PREFIX + key: json.dumps(value) for key, value in {**own, **layout}.items()}

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
            texts = {name.removeprefix(PREFIX): text for name, text in properties.items()
                     if name.startswith(PREFIX)}
            values = {_FORMER.get(key, key): _value(key, text) for key, text in texts.items()}
            own = {key: values.pop(key) for key in _own_keys() & values.keys()}
            return read(cls, own | {'layout': values})
        except RecursionError as error:
            raise ModelError(f'{source} has metadata that cannot be read: they are nested '
                             'too deeply') from error
        except ValueError as error:
            raise ModelError(f'{source} has metadata that cannot be read: {error}') from error


Contract: TypeAlias = Callable[[ModelMetadata], Outputs]
"""
Returns the tensors that a model's network has to put out, as its family says.

It raises ``ValueError`` if there is no such family, or if the layout is not one of the family's.
"""


def _own_keys() -> set[str]:
    return {field.name for field in fields(ModelMetadata)} - {'layout'}


def _value(key: str, text: str) -> Any:
    if len(text) > _LONGEST:
        raise ValueError(f'{key:.60} has {len(text)} characters: expected {_LONGEST} at most')
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'{key:.60} is {show(text)}: expected JSON ({error})') from error
