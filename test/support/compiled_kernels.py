"""Our kernels, compiled for real but once: a cubin serves until a source or NVRTC changes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from one_at_a_time import one_at_a_time

from panoptic_ros import families
from panoptic_ros.device import compiler
from panoptic_ros.engine.build import kernels_sha256

BUILD = Path(__file__).parents[2] / 'build' / 'kernels'


def install(patch: pytest.MonkeyPatch) -> None:
    """Keep what NVRTC makes of the package's own kernels; others it compiles each time."""
    compile_anew = compiler._compile_with_nvrtc

    def compile_once(nvrtc: Any, source: Path, target: str,
                     include: Sequence[Path] = ()) -> bytes:
        if Path(families.__file__).parent not in source.parents:
            return compile_anew(nvrtc, source, target, include)
        made_of = f'{kernels_sha256(source.parent)} {compiler._version(nvrtc)}'
        name = hashlib.sha256(made_of.encode()).hexdigest()[:16]
        file = BUILD / f'{name}-{target}.cubin'
        with one_at_a_time(file):
            if not file.is_file():
                new = file.with_suffix(f'.{os.getpid()}')   # what is not whole has another name
                new.write_bytes(compile_anew(nvrtc, source, target, include))
                new.replace(file)
        return file.read_bytes()

    patch.setattr(compiler, '_compile_with_nvrtc', compile_once)
