"""The GPU, the driver and the libraries of a measurement."""

from __future__ import annotations

import ctypes
import platform
import shutil
import subprocess
from importlib import metadata

from ...device import Device
from ...engine.builder import why_not_target
from ...engine.tensorrt import describe_tensorrt, load_tensorrt
from ...libraries import why_not

UNKNOWN = 'unknown'
_PATIENCE = 20          # most seconds for nvidia-smi
_PACKAGES = ('pycuda', 'torch', 'tensorrt', 'tensorrt_rtx', 'nvidia-cuda-nvrtc',
             'nvidia-cuda-nvrtc-cu12', 'numpy')


def describe_machine(device: Device) -> dict[str, str]:
    """Return names and versions; a value that the machine does not tell is 'unknown'."""
    free, total = device.memory()
    machine = {
        'gpu': device.name, 'target': device.target,
        'memory_mib': f'{total >> 20}, {free >> 20} free at the start',
        'driver': _ask_nvidia_smi('driver_version', device.name), 'driver_cuda': _driver_cuda(),
        'clock_mhz': _ask_nvidia_smi('clocks.max.sm', device.name),
        'system': f'{platform.system()} {platform.release()}, {platform.machine()}',
        'python': platform.python_version()}
    for package in _PACKAGES:
        try:
            machine[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    if why_not_tensorrt(device.target) is None:
        machine['tensorrt'] = describe_tensorrt(load_tensorrt())
    try:
        import torch
    except (ImportError, OSError):
        return machine
    machine['torch'] = str(torch.__version__)
    machine['torch_cuda'] = str(torch.version.cuda or 'none')
    return machine


def why_not_tensorrt(target: str) -> str | None:
    """Return why TensorRT cannot be used on a GPU such as 'sm_90'; None if it can."""
    try:
        tensorrt = load_tensorrt()
    except ImportError as error:
        return str(error)
    return why_not_target(tensorrt, target)


def why_not_torch() -> str | None:
    """Return why PyTorch cannot be used on a GPU here; None if it can."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return why_not(error, 'the comparison', 'torch', 'pip install torch', 'PyTorch')
    if not torch.cuda.is_available():
        return (f'PyTorch {torch.__version__} sees no GPU: install a build for CUDA, as '
                'pytorch.org says')
    if not hasattr(torch.cuda, 'MemPool'):
        return f'PyTorch {torch.__version__} has no memory pools: expected 2.5 or newer'
    return None


def _ask_nvidia_smi(what: str, gpu: str) -> str:
    """Return a property that nvidia-smi tells of the first GPU of a name."""
    command = shutil.which('nvidia-smi')
    if command is None:
        return UNKNOWN
    try:
        done = subprocess.run([command, f'--query-gpu=name,{what}', '--format=csv,noheader'],
                              capture_output=True, text=True, check=False, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return UNKNOWN
    rows = (line.partition(', ') for line in done.stdout.splitlines())
    return next((value.strip() for name, _, value in rows if name == gpu), UNKNOWN)


def _driver_cuda() -> str:
    """Return the newest CUDA that the driver knows, such as '13.0'."""
    version = ctypes.c_int()
    try:
        failed = ctypes.CDLL('libcuda.so.1').cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return UNKNOWN
    return UNKNOWN if failed else f'{version.value // 1000}.{version.value % 1000 // 10}'
