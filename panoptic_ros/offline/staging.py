"""Copies of what comes from object stores, and of what goes there, within a budget of bytes."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType

from ..pictures import ENDINGS
from . import storage

SHARE = 2
"""The output is taken to need as much as the input, as most bags of labels need less."""


class Staging:
    """
    A folder for the copies of one job, which is removed with them at the end.

    What lies on paths of this machine is read and written there, without a copy.

    Parameters
    ----------
    folder
        Where the folder is made; None: where the system keeps temporary files.
    budget
        How many bytes a job's copies may have.

    """

    def __init__(self, folder: str | None, budget: int) -> None:
        self._parent = folder
        self._budget = budget
        self._folder: Path | None = None

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def input(self, path: str, size: int | None = None) -> Path:
        """
        Return where an input can be read.

        Raises
        ------
        ValueError
            It is larger than the budget, so that no machine can take it.
        OSError
            The disk has too little room, or the store cannot be read.

        """
        if not storage.is_remote(path):
            return storage.local(path)
        needed = SHARE * (sum(storage.listing(path).values()) if size is None else size)
        if needed > self._budget:
            raise ValueError(f'{path} needs {needed} bytes of the disk with its output: expected '
                             f'at most {self._budget}; let a worker have more (--staging-size), '
                             'or cut the recording')
        inside = self._inside()
        if (free := shutil.disk_usage(inside).free) < needed:
            raise OSError(errno.ENOSPC, f'{os.strerror(errno.ENOSPC)}: {path} needs {needed} '
                          f'bytes with its output, and {free} are free', str(inside))
        return storage.fetch(path, Path(mkdtemp(dir=inside)))

    def output(self, path: str) -> Path:
        """Return where an output is written, under the name that it will have."""
        if not storage.is_remote(path):
            place = storage.local(path)
            place.parent.mkdir(parents=True, exist_ok=True)
            return place
        return Path(mkdtemp(dir=self._inside())) / path.rstrip('/').rpartition('/')[2]

    def deliver(self, place: Path, path: str) -> None:
        """
        Let a whole output come where it belongs, in place of an earlier one.

        Raises
        ------
        FileExistsError
            There is something that is no part of an output.
        OSError
            The store cannot be written.

        """
        if not storage.is_remote(path):
            return
        new = {file.relative_to(place).as_posix() for file in place.rglob('*')}
        old = [name for name in storage.listing(path) if name and name not in new]
        if place.is_dir() and not any(name.endswith(ENDINGS) for name in new):
            strangers = [name for name in old if not name.endswith(('.mcap', '.db3', '.yaml'))]
            if strangers:
                raise FileExistsError(f'{path} exists and is no bag (it holds {strangers[0]}): '
                                      'choose another folder')
            for name in old:
                storage.remove(storage.join(path, name))
        storage.put(place, path)

    def _inside(self) -> Path:
        if self._folder is None:
            if self._parent is not None:
                Path(self._parent).mkdir(parents=True, exist_ok=True)
            self._folder = Path(mkdtemp(prefix='panoptic_ros.', dir=self._parent))
        return self._folder
