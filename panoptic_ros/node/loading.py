"""Opening the model that the parameters ask for, on the device that they ask for."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..device import Device, DeviceError
from ..device.libcuda import load_libcuda
from ..engine.builder import why_not_target
from ..engine.onnx_file import import_onnx
from ..engine.tensorrt import MODULES, load_tensorrt
from ..resources import PACKAGE
from ..segmenter import Segmenter
from .parameters import Settings


def open_segmenter(settings: Settings, log: Any, cancelled: Callable[[], bool],
                   progress: Callable[[str], None]) -> tuple[Segmenter, str]:
    """
    Open the model and let it segment once, so that no frame waits for the network.

    Parameters
    ----------
    settings
        The parameters.
    log
        A logger of rclpy, for what takes long or may surprise.
    cancelled
        Asked during a build whether to end.
    progress
        Receives how far a build is, often.

    Returns
    -------
    The segmenter, and why it is on the device that it is on.

    Raises
    ------
    FileNotFoundError, ModelError, ImportError, DeviceError, BuildError, BuildCancelled
        As ``Segmenter.open`` and ``Segmenter.open_on_gpu`` do.

    """
    path = settings.model_path()
    with _forwarded(log):
        segmenter, reason = _open(path, settings, log, cancelled, progress)
        try:
            segmenter.warm_up(segmenter.metadata.input_size)
        except BaseException:
            segmenter.close()
            raise
    return segmenter, reason


@contextmanager
def _forwarded(log: Any) -> Iterator[None]:
    """Let what the package warns of, such as a cache that it does not take, be the node's log."""
    class Forward(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log.warning(record.getMessage())

    logger, forward = logging.getLogger(PACKAGE), Forward(logging.WARNING)
    logger.addHandler(forward)
    try:
        yield
    finally:
        logger.removeHandler(forward)


def _open(path: Path, settings: Settings, log: Any, cancelled: Callable[[], bool],
          progress: Callable[[str], None]) -> tuple[Segmenter, str]:
    runtime, reason = settings.runtime, f'runtime is {settings.runtime}'
    if path.suffix == '.plan':
        return Segmenter.open(path, gpu=settings.gpu), 'the model is a plan'
    if runtime == 'auto' and settings.build_only:
        runtime, reason = 'tensorrt', 'build_only is true'
    elif runtime == 'auto' and path.is_file():
        obstacle = why_not_gpu(settings.gpu)
        if obstacle is not None:
            _tell_of_fallback(f'{path.name} runs on the CPU, not on a GPU: {obstacle}', log)
            reason = obstacle
        runtime = 'onnxruntime' if obstacle else 'tensorrt'
    if runtime == 'tensorrt':
        return Segmenter.open_on_gpu(
            path, precision=settings.precision, gpu=settings.gpu, log=log.info,
            batch=max(1, len(settings.named_cameras())), folder=settings.cache_folder(),
            progress=lambda phase, share: progress(f'building the engine: {phase}, {share:.0%}'),
            cancelled=cancelled), reason
    return Segmenter.open(path, threads=settings.threads), reason


def _tell_of_fallback(text: str, log: Any) -> None:
    if gpu_is_expected():
        log.warning(text)
    else:
        log.info(text)


def gpu_is_expected() -> bool:
    """Whether this machine is meant to use a GPU: it has NVIDIA's driver, or TensorRT."""
    if any(sys.modules.get(name) or find_spec(name) for name in MODULES):
        return True
    try:
        load_libcuda()
    except OSError:
        return False
    except AttributeError:      # a driver that is too old
        return True
    return True


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
    return why_not_target(tensorrt, target)
