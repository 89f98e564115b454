"""The label space: which classes there are, and how a pixel's label is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import yaml

from .plain_data import Between, Key, Length, check, plain, read, show
from .resources import share_directory

UNLABELED = 65535
"""The label of a pixel of no segment: the largest uint16, as vision_msgs/LabelInfo says."""

UNLABELED_CLASS = 255
"""The class of such a pixel in a semantic image: the largest uint8."""

_LARGEST_FILE = 1 << 18

Name = Annotated[str, Length(100, 1)]
Channel = Annotated[int, Between(0, 255)]


@dataclass(frozen=True)
class Category:
    """One class: its name, its id in the data set, whether it is countable, its RGB colour."""

    name: Name
    dataset_id: Annotated[int, Between(-1, 2**31 - 1)]
    is_thing: Annotated[bool, Key('thing')]
    color: tuple[Channel, Channel, Channel]

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class LabelSpace:
    """
    The classes of a panoptic label image, in the order of their training ids.

    A pixel's label is ``class_id * label_divisor + instance`` (uint16), ``UNLABELED`` where it
    belongs to no segment.

    Raises
    ------
    ValueError
        There are no categories, or more than a semantic image can tell apart. Two categories
        have one name or id. A text, a number or a colour is out of range. Or uint16 cannot hold
        so many classes and instances.

    """

    name: Name
    label_divisor: Annotated[int, Between(2, UNLABELED)]
    categories: Annotated[tuple[Category, ...], Length(UNLABELED_CLASS, 1)]
    is_thing: npt.NDArray[np.bool_] = field(init=False, repr=False, compare=False)
    """bool (C,): is the class countable?"""
    colors: npt.NDArray[np.uint8] = field(init=False, repr=False, compare=False)
    """uint8 (C, 3): the classes' RGB colours."""

    def __post_init__(self) -> None:
        check(self)
        for field_name in ('name', 'dataset_id'):
            values = [getattr(category, field_name) for category in self.categories]
            doubled = next((v for n, v in enumerate(values) if v in values[:n]), None)
            if doubled is not None:
                raise ValueError(f'label space {self.name!r} has the {field_name} {show(doubled)} '
                                 'twice: change one')
        count = len(self.categories)
        if count * self.label_divisor > UNLABELED:
            raise ValueError(
                f'label_divisor {self.label_divisor} with {count} classes does not fit '
                f'uint16: it must lie between 2 and {UNLABELED // count}')
        is_thing = np.array([category.is_thing for category in self.categories])
        colors = np.array([category.color for category in self.categories], np.uint8)
        for array in (is_thing, colors):
            array.setflags(write=False)
        object.__setattr__(self, 'is_thing', is_thing)
        object.__setattr__(self, 'colors', colors)

    @classmethod
    def load(cls, name: str | Path) -> LabelSpace:
        """
        Read a label space of the package by its name, or any other by the path of its YAML file.

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
            return _parsed(path.read_text(encoding='utf-8'))
        except RecursionError as error:
            raise ValueError(f'{path} is nested deeper than any label space') from error
        except (ValueError, yaml.YAMLError) as error:
            raise ValueError(f'{path}: {" ".join(str(error).split())}') from error

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelSpace:
        """
        Build a label space from what ``to_dict`` returns, as YAML or JSON give it.

        Raises
        ------
        ValueError
            A key is missing, has the wrong type, or breaks a limit.

        """
        return read(cls, data)

    def to_dict(self) -> dict[str, Any]:
        """Return the label space as plain data for YAML or JSON."""
        return plain(self)

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


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases: a few lines of them can stand for more than a machine holds."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, 'it has an alias (*name): write out what it stands for',
                self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


@lru_cache(maxsize=16)
def _parsed(text: str) -> LabelSpace:
    """Parse the text of a file, once: that takes 30 ms for Cityscapes."""
    return LabelSpace.from_dict(yaml.load(text, _PlainLoader))
