"""The JSON file of the COCO panoptic format."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..images import files as image_files
from .relabeling import Integers

VOID_ID = 0
"""The id of pixels without a segment."""


class PanopticJson:
    """
    The segments of each image, as a COCO panoptic JSON file lists them (cocodataset.org).

    Only the names and three numbers per segment are kept in memory.

    Parameters
    ----------
    path
        The file.
    suffix
        The end of a PNG's name, which follows the name of its image.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is truncated, not of the format, or a pointer of git LFS.

    """

    def __init__(self, path: Path, suffix: str = '.png') -> None:
        self._path = path
        with path.open('rb') as start:
            image_files.refuse_pointer(path, start.read(100))
        with path.open(encoding='utf-8') as file:
            try:
                annotations = json.load(file, object_hook=_lean)['annotations']
                annotations.sort(key=lambda annotation: annotation[0].removesuffix(suffix))
            except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
                raise ValueError(f'{path} is no JSON ({error}): is it truncated? Download it '
                                 'again') from error
            except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
                raise ValueError(
                    f'{path} is not of the COCO panoptic format ({error!r}): expected '
                    'annotations, each with file_name and segments_info, and segments with id, '
                    'category_id and iscrowd') from error
        self.names = [self._name(file, suffix) for file, _ in annotations]
        """The images, sorted."""
        twice = [name for name, next_name in pairwise(self.names) if name == next_name]
        if twice:
            raise ValueError(f'{path} lists {len(twice)} images twice, the first of them '
                             f'{twice[0]}: was it joined of two files?')
        parts = [part for _, part in annotations]
        self._rows = np.concatenate([_rows([]), *parts])
        self._start = np.cumsum([0, *map(len, parts)])

    def _name(self, file: str, suffix: str) -> str:
        if not file.endswith(suffix) or '/' in file or '\\' in file:
            raise ValueError(f'{self._path} has the file_name {file!r}: expected the name of a '
                             f'PNG without a folder, such as NAME{suffix}')
        return file.removesuffix(suffix)

    def segments(self, index: int) -> tuple[Integers, Integers, Integers]:
        """Return (ids, category ids, 1 for crowd) of an image, each (N,), sorted by id."""
        rows = self._rows[self._start[index]:self._start[index + 1]].astype(np.int64)
        ids, category, crowd = rows[np.argsort(rows[:, 0])].T
        return ids, category, crowd

    def check(self, index: int, ids: Integers) -> None:
        """
        Compare the segments with the ids that an image's PNG has.

        Raises
        ------
        ValueError
            The segments and the ids differ.

        """
        listed = self.segments(index)[0]
        drawn = ids[ids != VOID_ID]
        for only, where in ((np.setdiff1d(drawn, listed), 'the PNG'),
                            (np.setdiff1d(listed, drawn), str(self._path))):
            if len(only):
                raise ValueError(
                    f'the PNG and {self._path} disagree on image {self.names[index]}: '
                    f'{len(only)} segments are only in {where}, the first of them {only[0]}; '
                    'are the two of one download?')


def _lean(item: dict[str, Any]) -> Any:
    """Keep only what is needed of each JSON object, as soon as it is read."""
    if 'segments_info' in item:
        return item['file_name'], _rows(item['segments_info'])
    if 'category_id' in item:
        return item['id'], item['category_id'], item['iscrowd']
    return item if 'annotations' in item else None


def _rows(segments: list[tuple[int, int, int]]) -> npt.NDArray[np.int32]:
    return np.array(segments, np.int32).reshape(-1, 3)
