"""What TensorRT measured in earlier builds, in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .trust import write_private


def load_timings(config: Any, file: Path | None) -> None:
    """Give a builder's configuration the measurements in a file, if any."""
    if file is None:
        return
    known = file.read_bytes() if file.is_file() else b''
    cache = config.create_timing_cache(known) or config.create_timing_cache(b'')
    config.set_timing_cache(cache, False)


def save_timings(config: Any, file: Path | None) -> None:
    """Keep what a build measured in a file, by atomic rename."""
    cache = None if file is None else config.get_timing_cache()
    if file is None or cache is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f'.{file.name}.{os.getpid()}.partial')
    try:
        write_private(partial, bytes(cache.serialize()))
        os.replace(partial, file)
    finally:
        partial.unlink(missing_ok=True)
