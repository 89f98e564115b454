"""Opening the model that the parameters ask for, on the device that they ask for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ..device import Device, DeviceError
from ..engine.builder import targets
from ..engine.onnx_file import import_onnx
from ..engine.tensorrt import describe_tensorrt, load_tensorrt
from ..segmenter import Segmenter
from .parameters import Settings

Log = Callable[[str], None]

_PERIOD = 1.0
"""Seconds between two words about a build that goes on."""


def open_segmenter(settings: Settings, log: Log, cancelled: Callable[[], bool],
                   progress: Callable[[str], None]) -> Segmenter:
    """
    Open the model and let it segment once, so that no frame waits for the network.

    Parameters
    ----------
    settings
        The parameters.
    log
        Receives what takes long or may surprise.
    cancelled
        Asked during a build whether to end.
    progress
        Receives about once a second how far a build is.

    Raises
    ------
    FileNotFoundError, ModelError, ImportError, DeviceError, BuildError, BuildCancelled
        As ``Segmenter.open`` and ``Segmenter.open_on_gpu`` do.

    """
    path = settings.model_path()
    segmenter = _open(path, settings, log, cancelled, progress)
    try:
        segmenter.warm_up(segmenter.metadata.input_size)
    except BaseException:
        segmenter.close()
        raise
    return segmenter


def _open(path: Path, settings: Settings, log: Log, cancelled: Callable[[], bool],
          progress: Callable[[str], None]) -> Segmenter:
    runtime = settings.runtime
    if runtime == 'auto' and settings.build_only:
        runtime = 'tensorrt'
    if path.suffix == '.plan':
        return Segmenter.open(path, gpu=settings.gpu)
    if path.is_file() and runtime == 'auto':
        reason = why_not_gpu(settings.gpu)
        if reason is not None:
            log(f'{path.name} runs on the CPU, not on a GPU: {reason}')
        runtime = 'onnxruntime' if reason else 'tensorrt'
    if runtime == 'tensorrt':
        return Segmenter.open_on_gpu(
            path, precision=settings.precision, gpu=settings.gpu, log=log,
            batch=max(1, len(settings.named_cameras())),
            folder=settings.cache_folder(), progress=_Progress(progress),
            cancelled=cancelled)
    return Segmenter.open(path, threads=settings.threads)


def why_not_gpu(index: int) -> str | None:
    """Return why the GPU path cannot be used on this machine; None when it can."""
    try:
        tensorrt = load_tensorrt()
        import_onnx()
        device = Device.open(index)
    except (DeviceError, ImportError) as error:
        return str(error)
    target = device.target
    device.close()
    known = targets(tensorrt)
    if known is not None and target not in known:
        return (f'{describe_tensorrt(tensorrt)} knows {", ".join(known)} and not {target}: '
                'install the package tensorrt')
    return None


class _Progress:
    """Tells of a build once in a while."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._next = tell, 0.0

    def __call__(self, phase: str, share: float) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PERIOD
            self._tell(f'building the engine: {phase}, {share:.0%}')
