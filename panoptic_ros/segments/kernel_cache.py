"""numba's cache of compiled kernels, where it may be believed; without it they are compiled."""

from __future__ import annotations

import hashlib
import logging
import pickle
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

from ..trust import UntrustedError, check_file, check_folder

_WHY = 'compiled kernels are executed'
_SEAL = hashlib.sha256().digest_size
_log = logging.getLogger(__name__)
_warned: set[str] = set()


class KernelCache(FunctionCache):  # type: ignore[misc]
    """
    One function's compiled forms on disk; whatever is wrong with them, the function is compiled.

    A compiled function holds those that it calls, from other files too.  So it is compiled anew
    when any source changes in the function's folder or in this one.  The cache takes what nobody
    but this user, root and the owner of the function's source may have written, and what is as it
    was written.  The first fault in a folder is a warning.

    Raises
    ------
    RuntimeError
        There is no folder to write to.

    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        source = Path(function.__code__.co_filename)
        self._cache_file = _SealedFile(self._cache_path, f'{self._impl.filename_base}.sealed',
                                       _stamp(source.parent) + _stamp(Path(__file__).parent))
        self._owners = (source.stat().st_uid,)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the compiled form for some types, or None."""
        if not self._enabled:
            return None
        try:
            self._check()
        except (UntrustedError, OSError) as error:
            self.disable()
            _warn(self._cache_path, f'are compiled at each start: {error}')
            return None
        try:
            return super().load_overload(signature, context)
        except (ImportError, AttributeError):   # it names types that the sources have no more
            self._try(self.flush)
            return None
        except Exception as error:      # a damaged pickle raises whatever it likes
            _warn(self._cache_path, f'are compiled anew, as the cache in {self._cache_path} is '
                  f'damaged ({type(error).__name__}: {error})')
            self._try(self.flush)
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        """Keep a compiled form, where that can be."""
        if self._enabled:
            self._try(lambda: super(KernelCache, self).save_overload(signature, data))

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as error:      # a full disk, or whatever the index holds
            self.disable()
            _warn(self._cache_path, f'are compiled at each start, as {self._cache_path} cannot '
                  f'keep them ({type(error).__name__}: {error})')

    def _check(self) -> None:
        folder = Path(self._cache_path)
        check_folder(folder.parent, _WHY, self._owners)
        # with others' files in it one could appear between this look and numba's
        check_folder(folder, _WHY, self._owners, sticky=False)
        for file in folder.glob(f'{self._impl.filename_base}.sealed.*'):
            check_file(file, _WHY, self._owners)


class _SealedFile(IndexDataCacheFile):  # type: ignore[misc]
    """numba's files with a hash before the machine code, which would run whatever became of it."""

    def _save_data(self, name: str, data: Any) -> None:
        content = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def _load_data(self, name: str) -> Any:
        content = Path(self._data_path(name)).read_bytes()
        if hashlib.sha256(content[_SEAL:]).digest() != content[:_SEAL]:
            raise ValueError(f'{name} was altered')
        return pickle.loads(content[_SEAL:])


@lru_cache(maxsize=64)
def _stamp(folder: Path) -> str:
    """Return what changes with the sources in a folder: while a process lives they are as read."""
    sources = hashlib.sha256()
    for file in sorted(folder.glob('*.py')):
        content = file.read_bytes()
        sources.update(f'{file.name} {len(content)} '.encode() + content)
    return sources.hexdigest()


def keep(dispatcher: Any) -> None:
    """Keep what numba compiles for a function on disk, where that can be."""
    if not hasattr(dispatcher, 'py_func'):      # a plain function, with NUMBA_DISABLE_JIT
        return
    try:
        dispatcher._cache = KernelCache(dispatcher.py_func)
    except (RuntimeError, OSError) as error:
        _warn('', f'are compiled at each start ({error}): set NUMBA_CACHE_DIR to a folder that '
              'can be written')
        return
    wanted: str = numba.config.CACHE_DIR    # type: ignore[attr-defined]
    found = dispatcher._cache.cache_path
    if wanted and Path(wanted) not in Path(found).parents:
        _warn(wanted, f'are kept in {found}, as NUMBA_CACHE_DIR={wanted} cannot be written')


def _warn(folder: str, what: str) -> None:
    """Say so once for each folder, as every kernel in it will meet the same."""
    if folder not in _warned:
        _warned.add(folder)
        _log.warning('kernels of the grouping %s', what)
