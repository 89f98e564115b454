"""The label space that a ``config.json`` tells, and the order of its classes there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .....labels import LabelSpace
from .....plain_data import show
from ....checkpoint import CheckpointError

LABEL_SPACES = ('cityscapes', 'coco')
"""The label spaces that are looked for."""

_MOST = 255


def names_of(config: Mapping[str, Any]) -> list[str]:
    """
    Return the names of a model's classes in the order of its outputs.

    Raises
    ------
    CheckpointError
        ``id2label`` is missing, or its ids are not 0, 1, 2 and so on.

    """
    names = config.get('id2label')
    if not isinstance(names, Mapping) or not 1 <= len(names) <= _MOST or not all(
            isinstance(name, str) for name in names.values()):
        raise CheckpointError(f'id2label is {show(names)}: expected the name of each class by its '
                              f'id, for 1 to {_MOST} classes')
    numbers = [str(number) for number in range(len(names))]
    missing = [number for number in numbers if number not in names]
    if missing:
        raise CheckpointError(f'id2label has {len(names)} classes and lacks the id {missing[0]}: '
                              f'expected 0 to {len(names) - 1}, as outputs are numbered')
    return [names[number] for number in numbers]


def order_in(space: LabelSpace, names: list[str]) -> list[int]:
    """
    Return for each class of a label space which of the model's classes it is.

    Names are compared without regard to case and punctuation.  Names such as ``LABEL_3`` say
    nothing, and the classes are then taken in the label space's order.

    Raises
    ------
    CheckpointError
        The model has other classes than the label space.

    """
    if len(names) != len(space):
        raise CheckpointError(f'id2label has {len(names)} classes: label space {space.name!r} has '
                              f'{len(space)}')
    if all(name == f'LABEL_{number}' for number, name in enumerate(names)):
        return list(range(len(names)))
    places = {_plain(name): place for place, name in enumerate(names)}
    missing = [name for name in space.names if _plain(name) not in places]
    if missing or len(places) < len(names):
        others = [name for name in names if _plain(name) not in map(_plain, space.names)]
        raise CheckpointError(
            f'id2label has other classes than label space {space.name!r}, which has '
            f'{missing[0] if missing else "no name twice"!r} where id2label has '
            f'{show(others[0]) if others else "one twice"}: name the label space with --labels')
    return [places[_plain(name)] for name in space.names]


def label_space_of(names: list[str]) -> LabelSpace | None:
    """Return the label space of the data set with these classes; None if there is none."""
    for name in LABEL_SPACES:
        space = LabelSpace.load(name)
        try:
            order_in(space, names)
        except CheckpointError:
            continue
        return space
    return None


def _plain(name: str) -> str:
    return re.sub(r'[\W_]', '', name.casefold())
