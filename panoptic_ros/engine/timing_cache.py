"""A file of TensorRT's measurements in earlier builds."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from ..trust import UntrustedError, read_trusted, write_private

_LARGEST = 1 << 28
_log = logging.getLogger(__name__)


def load_timings(config: Any, file: Path | None) -> None:
    """
    Give a builder's configuration the measurements in a file, if there are any.

    Measurements decide which kernels run.  So a file that somebody else may have written is
    ignored with a warning, and TensorRT measures anew.
    """
    if file is None:
        return
    known = b''
    try:
        known = read_trusted(file, _LARGEST, 'it decides what is executed')
    except FileNotFoundError:
        pass
    except (OSError, UntrustedError) as error:
        _log.warning('TensorRT measures anew: %s', error)
    cache = config.create_timing_cache(known) or config.create_timing_cache(b'')
    config.set_timing_cache(cache, False)


def save_timings(config: Any, file: Path | None) -> None:
    """
    Write the measurements of a build to a file, by atomic rename.

    A file that cannot be written costs a warning and the time of the next build, not this one.
    """
    cache = None if file is None else config.get_timing_cache()
    if file is None or cache is None:
        return
    partial = file.with_name(f'.{file.name}.{os.getpid()}.partial')
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_private(partial, bytes(cache.serialize()))
            os.replace(partial, file)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("TensorRT's measurements are not kept in %s: %s", file, error)
