"""The label space: which classes there are, and how a pixel's label is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import yaml

from .resources import share_directory

UNLABELED = 65535
"""The label of a pixel of no segment: the maximum of uint16, as vision_msgs/LabelInfo says."""

UNLABELED_CLASS = 255
"""The class of such a pixel in a semantic image: the maximum of uint8."""

_LARGEST_FILE = 1 << 20

_T = TypeVar('_T')


@dataclass(frozen=True)
class Category:
    """One class: its name, its id in the data set, whether it is countable, its RGB colour."""

    name: str
    dataset_id: int
    is_thing: bool
    color: tuple[int, int, int]


@dataclass(frozen=True)
class LabelSpace:
    """
    The classes of a panoptic label image, in the order of their training ids.

    A pixel's label is ``class_id * label_divisor + instance`` (uint16), ``UNLABELED`` where it
    belongs to no segment.

    Raises
    ------
    ValueError
        No categories, a doubled name, a colour out of range, or more classes and instances
        than uint16 can hold.

    """

    name: str
    label_divisor: int
    categories: tuple[Category, ...]
    is_thing: npt.NDArray[np.bool_] = field(init=False, repr=False, compare=False)
    """bool (C,): is the class countable?"""
    colors: npt.NDArray[np.uint8] = field(init=False, repr=False, compare=False)
    """uint8 (C, 3): the classes' RGB colours."""

    def __post_init__(self) -> None:
        names = [category.name for category in self.categories]
        if not names:
            raise ValueError(f'label space {self.name!r} has no categories: list at least one')
        if len(set(names)) != len(names):
            doubled = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f'label space {self.name!r} names {doubled} twice: rename one')
        if self.label_divisor < 2 or len(names) * self.label_divisor > UNLABELED:
            raise ValueError(
                f'label_divisor {self.label_divisor} with {len(names)} classes does not fit '
                f'uint16: it must lie between 2 and {UNLABELED // len(names)}')
        for category in self.categories:
            if len(category.color) != 3 or not all(0 <= c <= 255 for c in category.color):
                raise ValueError(f'color of {category.name!r} is {category.color}: '
                                 'expected three numbers from 0 to 255')
        is_thing = np.array([category.is_thing for category in self.categories])
        colors = np.array([category.color for category in self.categories], np.uint8)
        for array in (is_thing, colors):
            array.setflags(write=False)
        object.__setattr__(self, 'is_thing', is_thing)
        object.__setattr__(self, 'colors', colors)

    @classmethod
    def load(cls, name: str | Path) -> LabelSpace:
        """
        Read a label space that the package ships by its name, or any by the path of its YAML.

        Raises
        ------
        FileNotFoundError
            There is no such name or file.
        ValueError
            The file is not a label space.

        """
        folder = share_directory() / 'config' / 'labels'
        path = Path(name)
        if path.suffix not in ('.yaml', '.yml'):
            path = folder / f'{name}.yaml'
        if not path.is_file():
            shipped = sorted(p.stem for p in folder.glob('*.yaml'))
            raise FileNotFoundError(f'no label space {str(name)!r}: expected one of {shipped} '
                                    'or the path of a YAML file')
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError(f'{path} has {path.stat().st_size} bytes: a label space has '
                             f'{_LARGEST_FILE} at most')
        try:
            return cls.from_dict(yaml.safe_load(path.read_text(encoding='utf-8')))
        except (ValueError, yaml.YAMLError, RecursionError) as error:
            raise ValueError(f'{path}: {error}') from error

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelSpace:
        """
        Build a label space from what ``to_dict`` returns, as YAML or JSON give it.

        Raises
        ------
        ValueError
            A key is missing or has the wrong type.

        """
        try:
            categories = tuple(
                Category(_take(c, 'name', str), _take(c, 'dataset_id', int),
                         _take(c, 'thing', bool),
                         (_take(c['color'], 0, int), _take(c['color'], 1, int),
                          _take(c['color'], 2, int)))
                for c in data['categories'])
            return cls(_take(data, 'name', str), _take(data, 'label_divisor', int), categories)
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(
                f'not a label space ({error!r}): expected the keys name, label_divisor and '
                'categories, each category with name, dataset_id, thing and color') from error

    def to_dict(self) -> dict[str, Any]:
        """Return the label space as plain data for YAML or JSON."""
        return {
            'name': self.name,
            'label_divisor': self.label_divisor,
            'categories': [{'name': c.name, 'dataset_id': c.dataset_id, 'thing': c.is_thing,
                            'color': list(c.color)} for c in self.categories]}

    def __len__(self) -> int:
        return len(self.categories)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes' names, by training id."""
        return tuple(category.name for category in self.categories)

    @property
    def thing_ids(self) -> tuple[int, ...]:
        """The training ids of the countable classes."""
        return tuple(int(i) for i in np.flatnonzero(self.is_thing))

    @property
    def stuff_ids(self) -> tuple[int, ...]:
        """The training ids of the uncountable classes."""
        return tuple(int(i) for i in np.flatnonzero(~self.is_thing))

    @property
    def max_instances(self) -> int:
        """How many instances of one class a label image can tell apart."""
        return self.label_divisor - 1

    def semantic(self, labels: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
        """Return the class of each pixel, uint8, 255 where unlabelled; any shape."""
        return np.asarray(self._class_table[labels])

    def instances(self, labels: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
        """Return the instance number of each pixel, uint16, 0 for stuff and unlabelled."""
        return np.asarray(self._instance_table[labels])

    @cached_property
    def _instance_table(self) -> npt.NDArray[np.uint16]:
        table = (np.arange(UNLABELED + 1) % self.label_divisor).astype(np.uint16)
        table[len(self) * self.label_divisor:] = 0
        return table

    @cached_property
    def _class_table(self) -> npt.NDArray[np.uint8]:
        table = np.full(UNLABELED + 1, UNLABELED_CLASS, np.uint8)
        count = len(self) * self.label_divisor
        table[:count] = np.arange(count) // self.label_divisor
        return table


def _take(data: Any, key: str | int, kind: type[_T]) -> _T:
    """Return a value of a kind; others are not converted: aliases in YAML nest without end."""
    value = data[key]
    if type(value) is not kind:
        raise TypeError(f'{key} is a {type(value).__name__}, expected {kind.__name__}')
    return value
