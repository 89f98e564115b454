"""CUDA sources compiled with g++ and executed on the processor: the judge of our kernels."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from one_at_a_time import one_at_a_time

from panoptic_ros.families.deeplab.kernel_sources import KERNELS
from panoptic_ros.segments.kernel_sources import SHARED

BUILD = Path(__file__).parents[2] / 'build' / 'kernels'
HEADER = Path(__file__).with_suffix('.hpp')
ORDERS = FORWARD, REVERSED, BY_WARPS, BY_WARPS_REVERSED = range(4)
_KERNEL = re.compile(r'__global__\s+void\s+(?:__launch_bounds__\([\w, ]+\)\s+)?(\w+)\s*\(')


class LaunchError(RuntimeError):
    """A kernel that cannot be launched, or whose threads wait for each other for ever."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def write_source(folder: Path, text: str) -> Path:
    """Return a .cu file with that text, which other processes may write at the same time."""
    source = folder / hashlib.sha256(text.encode()).hexdigest()[:16] / 'kernels.cu'
    if not source.is_file():
        source.parent.mkdir(parents=True, exist_ok=True)
        new = source.with_suffix(f'.{os.getpid()}')
        new.write_text(text)
        new.replace(source)
    return source


class Program:
    """
    A .cu file with everything it includes, from its folder and ``SHARED``, for this processor.

    Parameters
    ----------
    source
        The .cu file.
    build
        Folder for what is compiled; it serves again while no source has changed.
    sanitize
        Compile with AddressSanitizer, for a process that preloads its runtime.

    """

    def __init__(self, source: Path, build: Path, sanitize: bool = False) -> None:
        self.kernels = tuple(_KERNEL.findall(source.read_text()))
        # IEEE arithmetic without contraction, as --fmad=false has it
        flags = ['-std=c++20', '-O2', '-ffp-contract=off', '-fPIC', '-shared', '-pthread',
                 '-fno-extern-tls-init', '-U_FORTIFY_SOURCE', f'-I{source.parent}', f'-I{SHARED}',
                 *(['-mtls-dialect=gnu2', '-fcf-protection=none']
                   if platform.machine() == 'x86_64' else []),
                 *(['-fsanitize=address', '-g'] if sanitize else [])]
        content = b''.join(path.read_bytes() for path in (
            HEADER, *sorted(source.parent.glob('*.cu*')), *sorted(SHARED.glob('*.cuh')))
                           ) + ' '.join(flags).encode()
        name = f'{source.stem}-{hashlib.sha256(content).hexdigest()[:16]}'
        library = build / f'{name}.so'
        with one_at_a_time(library):
            if not library.is_file():
                self._compile(source, library, flags)
        self._library = ctypes.CDLL(str(library))

    def _compile(self, source: Path, library: Path, flags: list[str]) -> None:
        own = library.with_suffix(f'.{os.getpid()}')     # what is not whole has another name
        unit, new = own.with_name(f'{own.name}.cpp'), own.with_name(f'{own.name}.so')
        unit.write_text(f'#include "{HEADER}"\n#include "{source}"\n' + ''.join(
            f'EXPORT_KERNEL({kernel})\n' for kernel in self.kernels))
        subprocess.run(['g++', *flags, '-o', new, unit], check=True)
        new.replace(library)

    def launch(self, name: str, grid: Sequence[int], block: Sequence[int],
               arguments: Sequence[np.ndarray | np.generic | ctypes._SimpleCData],
               order: int = FORWARD, workers: int = 2) -> None:
        """
        Run a kernel to its end.

        Parameters
        ----------
        name, grid, block
            The kernel, and up to three sizes each of its grid and its blocks.
        arguments
            An array is passed as its address, a scalar as its value.
        order
            In which order threads run, one of ``ORDERS``: what differs lacks a barrier.
        workers
            Blocks that run at a time.

        Raises
        ------
        LaunchError
            A shape that is not allowed, a barrier that not all threads reach.

        """
        shape = (ctypes.c_uint * 6)(*((*grid, 1, 1)[:3]), *((*block, 1, 1)[:3]))
        values = [ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray)
                  else np.ctypeslib.as_ctypes(np.asarray(a)) if isinstance(a, np.generic) else a
                  for a in arguments]
        pointers = (ctypes.c_void_p * len(values))(
            *(ctypes.cast(ctypes.byref(value), ctypes.c_void_p) for value in values))
        message = ctypes.create_string_buffer(256)
        status = getattr(self._library, f'launch_{name}')(
            shape, pointers, order, workers, message, len(message))
        if status:
            raise LaunchError(f'{name}: {message.value.decode()}', status)


class Launcher:
    """
    Executes kernels by their names, for the double of CUDA.

    Parameters
    ----------
    programs
        Those that have the kernels; by default the one of our own.

    """

    def __init__(self, *programs: Program) -> None:
        self._programs = programs or (Program(KERNELS / 'kernels.cu', BUILD),)
        self.order = FORWARD
        """In which order threads run; see ``Program.launch``."""

    def __call__(self, name: str, grid: Sequence[int], block: Sequence[int],
                 arguments: Sequence[ctypes._SimpleCData]) -> None:
        program = next(program for program in self._programs if name in program.kernels)
        program.launch(name, grid, block, arguments, self.order)
