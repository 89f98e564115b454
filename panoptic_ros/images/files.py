"""Images in files: pictures and label images."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import cv2
import numpy.typing as npt

from . import ImageError, Limits, codec

PICTURE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
"""How the names of pictures end, in lower case."""

_KINDS = {stat.S_IFIFO: 'a FIFO', stat.S_IFCHR: 'a device', stat.S_IFBLK: 'a device',
          stat.S_IFSOCK: 'a socket', stat.S_IFDIR: 'a folder'}

_POINTER = b'version https://git-lfs.github.com/'


def visible(folder: Path, pattern: str) -> Iterator[Path]:
    """
    Yield the paths under a folder that match a pattern, except hidden ones.

    A path is hidden when its name, or the name of a folder between it and the given folder, begins
    with a dot. Such files belong to a file system or a tool (``._x.png``,
    ``.ipynb_checkpoints``). Links to folders are followed, but never in a circle.
    """
    head, recursive, rest = pattern.partition('**/')
    if recursive and not head and folder.is_dir():
        for inner in _folders(folder, frozenset()):
            yield from (path for path in inner.glob(rest) if not path.name.startswith('.'))
        return
    for path in folder.glob(pattern):
        if not any(part.startswith('.') for part in path.relative_to(folder).parts):
            yield path


def _folders(folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[Path]:
    """Yield a folder and the visible folders below it, none of them within itself."""
    status = folder.stat()
    if (status.st_dev, status.st_ino) in above:
        return
    yield folder
    for part in sorted(folder.iterdir()):
        if not part.name.startswith('.') and part.is_dir():
            yield from _folders(part, above | {(status.st_dev, status.st_ino)})


def find(folder: Path) -> list[Path]:
    """Return the pictures in a folder and in its visible subfolders, sorted."""
    return sorted(path for path in visible(folder, '**/*')
                  if path.suffix.lower() in PICTURE_SUFFIXES and not path.is_dir())


def refuse_pointer(path: str | Path, data: bytes) -> None:
    """Raise ``ValueError`` if a file's bytes are only git LFS's pointer to it."""
    if data.startswith(_POINTER):
        raise ValueError(f'{path} is a pointer of git LFS, not the file itself: fetch it with '
                         '`git lfs pull`, or download it')


def read(path: str | Path, flags: int = cv2.IMREAD_COLOR,
         limits: Limits | None = None) -> npt.NDArray[Any]:
    """
    Read an image file as its pixels are stored.

    Rotation tags are ignored, because labels and calibration belong to the stored pixels.

    Parameters
    ----------
    path
        The file.
    flags
        OpenCV's flags: ``IMREAD_COLOR`` for (H, W, 3) uint8 in BGR, ``IMREAD_UNCHANGED`` for the
        array that the file holds.
    limits
        A file beyond them is refused before it is decoded.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is no regular file, no image, or a pointer of git LFS; it is truncated, or it
        breaks a limit.

    """
    limits = limits or Limits()
    data = _read_bytes(Path(path), limits.pixels * limits.bytes_per_pixel)
    refuse_pointer(path, data)
    try:
        return codec.decode(memoryview(data), flags, limits, codec.PICTURE_FILES)
    except ImageError as error:
        if not data or error.kind == 'data':
            raise ValueError(f'{path} is truncated ({len(data)} bytes without an end marker): '
                             'copy or download it again') from error
        if error.kind == 'decode':
            raise ValueError(f'{path} is no image that OpenCV reads: expected one of '
                             f'{", ".join(PICTURE_SUFFIXES)}; remove it, or copy or download it '
                             'again') from error
        raise ValueError(f'{path}: {error}') from error


def check_regular(path: Path) -> None:
    """
    Refuse what is no regular file, without opening it.

    Opening a device or a FIFO may have effects of its own.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The path is a FIFO, a device, a socket or a folder, or a link to one.

    """
    _check_regular(path, path.stat())


def write(path: Path, pixels: npt.NDArray[Any], overwrite: bool = True) -> None:
    """
    Write an image file, and make the folder that it is in.

    The file is written under another name and renamed when it is whole. A link of its name is
    replaced, never followed.

    Parameters
    ----------
    path
        The file, whose name need not be UTF-8.
    pixels
        (H, W), or (H, W, 3) in BGR; uint8 or uint16.
    overwrite
        Replace a file of that name.

    Raises
    ------
    FileExistsError
        Something has that name, and ``overwrite`` is false.
    OSError
        The file cannot be written, or its name ends in nothing that OpenCV writes.

    """
    try:
        if path.suffix.lower() not in PICTURE_SUFFIXES:
            raise ValueError(f'{path.suffix!r} is not among {", ".join(PICTURE_SUFFIXES)}')
        data = codec.encode(pixels, path.suffix.lower())
        path.parent.mkdir(parents=True, exist_ok=True)
        _put(path, data.tobytes(), overwrite)
    except FileExistsError:
        raise
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error


def check_writable(path: Path) -> None:
    """
    Refuse a place where ``write`` would fail, before the work whose result comes there.

    The folder of the file is made.

    Raises
    ------
    OSError
        The path is a folder, or no file can be made beside it.

    """
    try:
        if path.is_dir() and not path.is_symlink():     # a link is replaced
            raise IsADirectoryError('it is a folder')
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix='.', suffix='.partial'):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error


def _read_bytes(path: Path, most: int) -> bytes:
    """Read a regular file; also notice when something else takes its place meanwhile."""
    check_regular(path)
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), 'rb') as file:
        status = os.fstat(file.fileno())
        _check_regular(path, status)
        if status.st_size > most:
            raise ValueError(f'{path} has {status.st_size} bytes: expected at most {most}')
        return file.read(most)


def _check_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), 'something else')
        raise ValueError(f'{path} is {kind}: expected a regular file')


def _put(path: Path, data: bytes, overwrite: bool) -> None:
    with unfinished(path, overwrite) as beside:
        beside.write_bytes(data)
        if (size := beside.stat().st_size) != len(data):
            raise OSError(f'{size} of {len(data)} bytes were written')


@contextmanager
def unfinished(path: Path, overwrite: bool = True) -> Iterator[Path]:
    """
    Give a new file beside a path, which gets the path's name when the block ends without an error.

    After an error it is removed.

    Raises
    ------
    FileExistsError
        The name is taken, and is not to be overwritten.
    OSError
        The folder cannot be written.

    """
    beside = path.with_name(f'.{secrets.token_hex(8)}.partial')
    os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    try:
        yield beside
        put(beside, path, overwrite)
    finally:
        beside.unlink(missing_ok=True)


def put(beside: Path, path: Path, overwrite: bool) -> None:
    """
    Give a whole file its name.

    Raises
    ------
    FileExistsError
        The name is taken, and is not to be overwritten.
    OSError
        The folder cannot be written.

    """
    if overwrite:
        beside.replace(path)
        return
    try:
        os.link(beside, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:         # a file system without hard links
        refuse_existing(path)
        beside.rename(path)
    else:
        beside.unlink()


def _unwritable(path: Path, error: Exception) -> OSError:
    return OSError(f'cannot write {path}: expected the name of a file, a folder that may be '
                   f'written, and room on the disk ({error})')


def refuse_existing(path: Path) -> None:
    """
    Refuse a name that a file, a folder or a link has, also a link that leads nowhere.

    Raises
    ------
    FileExistsError
        The name is taken.

    """
    if os.path.lexists(path):
        raise _exists(path)


def _exists(path: Path) -> FileExistsError:
    return FileExistsError(f'cannot write {path}: it exists; write into another folder, or say '
                           'that it is to be replaced (--overwrite)')
