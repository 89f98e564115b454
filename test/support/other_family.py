"""A family of networks beside those of the product: a folder that a test puts among them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from panoptic_ros import families

SOURCE = """
from dataclasses import dataclass
from typing import Annotated

from panoptic_ros.plain_data import Between, Help, check


@dataclass(frozen=True)
class Options:
    overlap: Annotated[float, Between(0, 1), Help('Share of 100 % that must be seen.')] = 0.8
    most: Annotated[int, Between(1, 99), Help('Most instances in an image.')] = 20

    def __post_init__(self):
        check(self)


class Other:
    name = __name__.rpartition('.')[2]
    options = Options


FAMILY = Other()
"""


def write(folder: Path, name: str) -> None:
    """Make the folder of a family of that name; ``families.__path__`` may then have ``folder``."""
    (folder / name).mkdir()
    (folder / name / '__init__.py').write_text(SOURCE)


def add(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the family ``other`` beside the others for one test."""
    write(folder, 'other')
    monkeypatch.setattr(families, '__path__', [*families.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, 'panoptic_ros.families.other', raising=False)
