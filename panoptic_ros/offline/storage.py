"""
Files and folders where they lie: on this machine's paths, or in a store that ``fsspec`` reaches.

A path without a scheme, and ``file://``, are files of the machine. Others, such as ``s3://`` and
``gs://``, need fsspec, which only this file imports.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from glob import glob as glob_files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ..images import files as image_files
from ..libraries import needed

_SCHEME = re.compile(r'[a-z][a-z0-9+.-]*://', re.I)
_INSTALL = "pip install 'panoptic_ros[fleet]'"
_PACKAGES = {'s3': 's3fs', 's3a': 's3fs', 'gs': 'gcsfs', 'gcs': 'gcsfs', 'az': 'adlfs',
             'abfs': 'adlfs'}


class StorageError(OSError):
    """A store cannot be read or written."""


def is_remote(path: str) -> bool:
    """Tell whether a path is a URL of a store."""
    return bool(_SCHEME.match(path)) and not path.lower().startswith('file://')


def local(path: str) -> Path:
    """Return the path of a file of this machine."""
    if path.lower().startswith('file://'):
        return Path(unquote(urlsplit(path).path))
    return Path(path)


def absolute(path: str) -> str:
    """Return a path that means the same in every working directory."""
    if not is_remote(path):
        return os.path.abspath(local(path))
    files, inner = _store(path)
    return str(files.unstrip_protocol(inner))


def join(path: str, *names: str) -> str:
    """Return the path of something in a folder."""
    return '/'.join((path.rstrip('/') or '/', *names)) if is_remote(path) else str(
        local(path).joinpath(*names))


def exists(path: str) -> bool:
    """Tell whether there is a file or a folder."""
    if not is_remote(path):
        return os.path.lexists(local(path))
    files, inner = _store(path)
    return bool(_asked(path, files.exists, inner))


def matches(pattern: str) -> list[str]:
    """Return the paths that match a pattern, sorted."""
    if not is_remote(pattern):
        return sorted(glob_files(str(local(pattern)), recursive=True))
    files, inner = _store(pattern)
    return sorted(files.unstrip_protocol(found) for found in _asked(pattern, files.glob, inner))


def listing(path: str) -> dict[str, int]:
    """
    Return the files under a folder, or the file itself, with their bytes; names use '/'.

    The name of the file itself is ''. Hidden files are left out.
    """
    if not is_remote(path):
        place = local(path)
        if not place.is_dir():
            return {'': place.stat().st_size}
        return {file.relative_to(place).as_posix(): file.stat().st_size
                for file in image_files.visible(place, '**/*') if file.is_file()}
    files, inner = _store(path)
    found = _asked(path, lambda: files.find(inner, detail=True))
    sizes = {name.removeprefix(inner.rstrip('/')).strip('/'): int(about['size'] or 0)
             for name, about in found.items() if about['type'] == 'file'}
    return {name: size for name, size in sizes.items()
            if not any(part.startswith('.') for part in name.split('/'))}


def names(folder: str) -> list[str]:
    """Return the names of what lies directly in a folder; none if it is no folder."""
    if not is_remote(folder):
        place = local(folder)
        return [part.name for part in place.iterdir()] if place.is_dir() else []
    files, inner = _store(folder)
    try:
        found = _asked(folder, lambda: files.ls(inner, detail=False))
    except FileNotFoundError:
        return []
    return [path.rstrip('/').rpartition('/')[2] for path in found]


def read(path: str) -> str | None:
    """Return a small file's text; None if there is none."""
    if not is_remote(path):
        try:
            return local(path).read_text(encoding='utf-8')
        except (FileNotFoundError, NotADirectoryError):
            return None
    files, inner = _store(path)
    try:
        return str(_asked(path, files.cat_file, inner), 'utf-8')
    except FileNotFoundError:
        return None


def write(path: str, text: str) -> None:
    """Write a small file whole, in place of one that is there; make its folder."""
    if not is_remote(path):
        place = local(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        with image_files.unfinished(place) as beside:
            beside.write_text(text, encoding='utf-8')
        return
    files, inner = _store(path)
    _asked(path, files.pipe_file, inner, text.encode())


def fetch(path: str, folder: Path) -> Path:
    """Copy a file or a folder of a store into a folder of this machine; return the copy."""
    files, inner = _store(path)
    whole = folder / inner.rstrip('/').rpartition('/')[2]
    for name, size in listing(path).items():
        target = whole / name if name else whole
        target.parent.mkdir(parents=True, exist_ok=True)
        _asked(path, files.get_file, f'{inner}/{name}' if name else inner, str(target))
        if target.stat().st_size != size:
            raise StorageError(f'{path}: {target.stat().st_size} of {size} bytes of {name} came: '
                               'run it again')
    return whole


def put(place: Path, path: str) -> None:
    """Copy a file or a folder of this machine to a store, where each object appears whole."""
    files, inner = _store(path)
    parts = sorted(part for part in place.rglob('*') if part.is_file()) if (
        place.is_dir()) else [place]
    for part in parts:
        name = f'{inner}/{part.relative_to(place).as_posix()}' if part != place else inner
        with suppress(FileExistsError):     # a store without folders has nothing to make
            files.makedirs(name.rpartition('/')[0], exist_ok=True)
        _asked(path, files.put_file, str(part), name)


def remove(path: str) -> None:
    """Remove a file, or a folder with what is in it; nothing need be there."""
    if not is_remote(path):
        place = local(path)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
        return
    files, inner = _store(path)
    with suppress(FileNotFoundError):
        _asked(path, lambda: files.rm(inner, recursive=True))


def remove_empty(folder: str) -> None:
    """Remove a folder of this machine if nothing is in it; a store has no empty folders."""
    if not is_remote(folder):
        with suppress(OSError):
            local(folder).rmdir()


def _store(path: str) -> tuple[Any, str]:
    with needed(f'{path.partition("://")[0]}://', 'fsspec', _INSTALL):
        import fsspec
    scheme = path.partition('://')[0].lower()
    try:
        files, inner = fsspec.core.url_to_fs(path)
    except ImportError as error:
        package = _PACKAGES.get(scheme, '')
        raise ImportError(f'{scheme}:// needs {package or "a package"}, which is not installed: '
                          f'`pip install {package}` ({error})') from error
    except ValueError as error:
        raise ValueError(f'{path}: {error}: expected a path, or a URL such as s3://BUCKET/NAME'
                         ) from error
    return files, str(inner)


def _asked(path: str, call: Any, *values: Any) -> Any:
    """Call a store; its own kinds of errors become ``StorageError``, so that one tries again."""
    try:
        return call(*values)
    except FileNotFoundError:
        raise
    except Exception as error:      # of the network and of clients: each library has its own
        raise StorageError(f'{path} cannot be reached or written ({type(error).__name__}: '
                           f'{error})') from error
