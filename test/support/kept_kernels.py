"""What numba keeps of the package's kernels, copied to where a test may damage it."""

from __future__ import annotations

import inspect
import shutil
import sys
from pathlib import Path
from typing import Any

import numba.core.caching

from panoptic_ros.families import deeplab


def copy_kernels(root: Path) -> list[Path]:
    """Copy all of them to where processes with NUMBA_CACHE_DIR=root look; return the folders."""
    deeplab.warm_up()
    caching: Any = numba.core.caching
    locator = getattr(caching, 'UserProvidedCacheLocator', None) or (
        caching._UserProvidedCacheLocator)      # as older versions call it
    folders = {}
    for kernel in _kernels():
        file = inspect.getfile(kernel.py_func)
        folders[kernel._cache.cache_path] = root / locator(
            kernel.py_func, file).get_suitable_cache_subpath(file)
    for kept, copy in folders.items():
        copy.mkdir(parents=True)
        for path in Path(kept).glob('*.sealed.*'):
            shutil.copy(path, copy)
    return list(folders.values())


def _kernels() -> list[Any]:
    return [value for name, module in list(sys.modules.items()) if name.startswith('panoptic_ros.')
            for value in list(vars(module).values())
            if hasattr(value, 'py_func') and value._cache.cache_path]
