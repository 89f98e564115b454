"""Opening the model that the parameters ask for, on the device that they ask for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ..device import Device, DeviceError
from ..engine.tensorrt import load_tensorrt
from ..segmenter import Segmenter
from .parameters import Settings

Log = Callable[[str], None]

_PERIOD = 5.0
"""Seconds between two lines of the log about a build that goes on."""


def open_segmenter(settings: Settings, log: Log, cancelled: Callable[[], bool]) -> Segmenter:
    """
    Open the model and let it segment once, so that no frame waits for anything.

    Parameters
    ----------
    settings
        The parameters.
    log
        Receives what takes long or may surprise.
    cancelled
        Asked during a build whether to end.

    Raises
    ------
    FileNotFoundError, ModelError, ImportError, DeviceError, BuildError, BuildCancelled
        As ``Segmenter.open`` and ``Segmenter.open_on_gpu`` do.

    """
    path = settings.model_path()
    segmenter = _open(path, settings, log, cancelled)
    try:
        segmenter.warm_up(segmenter.metadata.input_size)
    except BaseException:
        segmenter.close()
        raise
    return segmenter


def _open(path: Path, settings: Settings, log: Log,
          cancelled: Callable[[], bool]) -> Segmenter:
    runtime = settings.runtime
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
            folder=settings.cache_folder(), progress=_Progress(log), cancelled=cancelled)
    return Segmenter.open(path, threads=settings.threads)


def why_not_gpu(index: int) -> str | None:
    """Return why the GPU path cannot be used on this machine; None when it can."""
    try:
        Device.open(index).close()
        load_tensorrt()
    except (DeviceError, ImportError) as error:
        return str(error)
    return None


class _Progress:
    """A line of the log now and then while an engine is built."""

    def __init__(self, log: Log) -> None:
        self._log, self._last = log, time.monotonic()

    def __call__(self, phase: str, share: float) -> None:
        if time.monotonic() - self._last >= _PERIOD:
            self._last = time.monotonic()
            self._log(f'building the engine: {phase}, {share:.0%}')
