"""Compiling CUDA sources to a cubin, by any compiler that is installed, without a GPU."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SOURCE = 'kernels.cu'
"""The file of a folder that is compiled."""
OPTIONS = ('--std=c++17', '--fmad=false')      # IEEE arithmetic, equal to NumPy's: no contraction


class CompileError(RuntimeError):
    """Kernels that do not compile; the message ends with what the compiler says."""


def compile_kernels(folder: Path, target: str, include: Sequence[Path] = ()) -> bytes:
    """
    Compile the kernels of a folder.

    NVRTC serves where its Python packages are installed, or else nvcc of a CUDA toolkit.

    Parameters
    ----------
    folder
        Holds ``kernels.cu`` and what it includes.
    target
        The GPU's architecture, such as 'sm_89'.
    include
        Folders of what else it includes.

    Returns
    -------
    A cubin, which GPUs of that architecture can load.

    Raises
    ------
    FileNotFoundError
        There is no ``kernels.cu`` in the folder.
    CompileError
        The compiler does not accept the sources, or does not know the target.
    ImportError
        There is no compiler; the message names the lines that install one.

    """
    source = folder / SOURCE
    if not source.is_file():
        raise FileNotFoundError(f'no {source}: reinstall the package, which ships its kernels')
    nvrtc = _find_nvrtc()
    if nvrtc is not None:
        return _compile_with_nvrtc(nvrtc, source, target, include)
    nvcc = _find_nvcc()
    if nvcc is not None:
        return _compile_with_nvcc(nvcc, source, target, include)
    raise ImportError(f'compiling kernels needs NVRTC{_failure()}: `pip install '
                      'nvidia-cuda-nvrtc cuda-bindings`, or the CUDA toolkit, with nvcc on PATH '
                      'or below $CUDA_HOME/bin')


def _find_nvrtc() -> Any | None:
    try:
        from cuda.bindings import nvrtc
        status, *_ = nvrtc.nvrtcVersion()
    except Exception:   # without their library, the bindings raise an error of their own
        return None
    return nvrtc if int(status) == 0 else None


def _failure() -> str:
    """Say why NVRTC cannot be used although its bindings are installed."""
    try:
        from cuda.bindings import nvrtc
        nvrtc.nvrtcVersion()
    except ModuleNotFoundError:
        return ''
    except Exception as error:      # the same as above
        return f', whose bindings are installed and cannot be used ({error})'
    return ''


def _find_nvcc() -> str | None:
    home = os.environ.get('CUDA_HOME') or os.environ.get('CUDA_PATH')
    return shutil.which('nvcc') or (shutil.which('nvcc', path=f'{home}/bin') if home else None)


def _options(source: Path, target: str, include: Sequence[Path]) -> list[str]:
    return [f'--gpu-architecture={target}', *OPTIONS,
            *(f'-I{folder}' for folder in (source.parent, *include))]


def _compile_with_nvrtc(nvrtc: Any, source: Path, target: str,
                        include: Sequence[Path] = ()) -> bytes:
    options = [option.encode() for option in _options(source, target, include)]
    # The whole name is given: otherwise NVRTC looks for includes in the working directory first.
    program = _take(nvrtc.nvrtcCreateProgram(source.read_bytes(), str(source).encode(), 0, [], []))
    try:
        status, = nvrtc.nvrtcCompileProgram(program, len(options), options)
        if int(status):
            log = bytearray(_take(nvrtc.nvrtcGetProgramLogSize(program)))
            _take(nvrtc.nvrtcGetProgramLog(program, log))
            reason = bytes(log).decode(errors='replace').strip('\0\n ') or status.name
            raise CompileError(f'{source.name} does not compile for {target} with NVRTC '
                               f'{_version(nvrtc)}: {reason}')
        cubin = bytearray(_take(nvrtc.nvrtcGetCUBINSize(program)))
        _take(nvrtc.nvrtcGetCUBIN(program, cubin))
    finally:
        nvrtc.nvrtcDestroyProgram(program)
    return bytes(cubin)


def _take(answer: tuple[Any, ...]) -> Any:
    """Return the value of NVRTC's answer, whose first part is its status."""
    status, *values = answer
    if int(status):
        raise CompileError(f'NVRTC fails with {status.name}: reinstall it with `pip install '
                           '--force-reinstall nvidia-cuda-nvrtc cuda-bindings`')
    return values[0] if values else None


def _version(nvrtc: Any) -> str:
    _, major, minor = nvrtc.nvrtcVersion()
    return f'{major}.{minor}'


def _compile_with_nvcc(nvcc: str, source: Path, target: str,
                       include: Sequence[Path] = ()) -> bytes:
    with tempfile.TemporaryDirectory(prefix='panoptic_ros_') as folder:
        output = Path(folder) / 'kernels.cubin'
        done = subprocess.run(
            [nvcc, '--cubin', *_options(source, target, include), '-o', str(output), str(source)],
            capture_output=True, text=True, check=False)
        if done.returncode:
            raise CompileError(f'{source.name} does not compile for {target} with {nvcc}: '
                               f'{(done.stderr + done.stdout).strip()}')
        return output.read_bytes()
