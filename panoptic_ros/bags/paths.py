"""Where a bag is written, and a check that it cannot touch the bag that is read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp

from .folder import SUFFIXES, BagError, recording_of

JOURNAL = 'journal.jsonl'
"""The file that a labelling keeps beside the messages until it is done."""


def partial_of(path: Path) -> Path:
    """Return where a bag is written until it is whole."""
    whole = Path(os.path.abspath(path))
    return whole.with_name(f'{whole.name}.partial')


def before_of(path: Path) -> Path:
    """Return where an interrupted bag lies while its messages are copied to a new one."""
    partial = partial_of(path)
    return partial.with_name(f'{partial.name}.before')


def check_apart(path: Path, files: Iterable[Path], output: Path) -> None:
    """
    Make sure that writing a bag cannot touch the one that is read.

    Files and folders are compared by their identity, not by their names, so symbolic and hard
    links are followed.

    Parameters
    ----------
    path, files
        The bag that is read, and the files that it consists of.
    output
        The bag that is to be written.

    Raises
    ------
    BagError
        The output is the input, or one of them lies in the other.

    """
    read = {path, *files}
    origins = {_identity(part) for part in read}
    above = {_identity(folder) for part in read for folder in part.resolve().parents}
    for target in (output, partial_of(output), before_of(output)):
        real = target.resolve()
        found = {_identity(real)} if real.exists() else set()
        inside = {_identity(part) for part in real.iterdir()} if real.is_dir() else set()
        within = {_identity(folder) for folder in real.parents if folder.exists()}
        for relation, is_so in (('exists and is', found & origins),
                                ('exists and contains', found & above),
                                ('exists and shares files with', inside & origins),
                                ('lies in', within & origins)):
            if is_so:
                raise BagError(f'{target} {relation} the bag that is read, {path}: choose another '
                               'output')


def check_replaceable(path: Path, overwrite: bool) -> None:
    """
    Make sure that there is nothing at a path, or a bag that may be removed.

    Raises
    ------
    BagError
        Something else is there, or a bag that must not be overwritten.

    """
    if path.is_symlink():
        raise BagError(f'{path} is a link: name the folder itself')
    if not path.exists():
        return
    parts = sorted(path.iterdir()) if path.is_dir() else []
    strangers = [path] if not path.is_dir() else [
        part for part in parts if not part.is_file() or (
            part.name not in ('metadata.yaml', JOURNAL) and part.suffix not in SUFFIXES)]
    if strangers:
        raise BagError(f'{path} exists and is no bag (it is or holds {strangers[0].name}): '
                       'choose another folder')
    recordings = [part for part in parts if part.suffix in SUFFIXES]
    if len({recording_of(part) for part in recordings}) > 1:
        raise BagError(f'{path} exists and holds several recordings ({recordings[0].name}, '
                       f'{recordings[1].name}...): choose another folder')
    if not overwrite:
        raise BagError(f'{path} exists: choose another folder, or allow overwriting it')


def put(partial: Path, path: Path) -> None:
    """Let a whole bag take its place, and remove the one that was there."""
    if not path.exists():
        partial.rename(path)
        return
    aside = Path(mkdtemp(prefix=f'{path.name}.old.', dir=path.parent))
    path.rename(aside / path.name)
    try:
        partial.rename(path)
    except OSError:
        (aside / path.name).rename(path)
        aside.rmdir()
        raise
    shutil.rmtree(aside)


def _identity(path: Path) -> tuple[int, int]:
    """Return the identity of a file or folder; a link that leads nowhere has one of its own."""
    try:
        known = path.stat()
    except OSError:
        known = path.lstat()
    return known.st_dev, known.st_ino
