"""Plans that this machine has built before."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..resources import expand_home
from ..trust import check_folder, open_lock
from .build import Compile, build_engine, compile_kernels, describe_plan, kernels_sha256
from .build_options import BuildOptions, Gpu
from .calibration import CalibrationImages
from .monitor import Cancelled, Progress, poll
from .onnx_file import OnnxFile
from .plan import PlanError, read_cubin, read_plan, sidecar_path
from .plan_info import PlanInfo, trusting

Log = Callable[[str], None]

_POLL_SECONDS = 0.1


def default_folder() -> Path:
    """
    Return the folder of plans: ``$XDG_CACHE_HOME/panoptic_ros`` or ``~/.cache/panoptic_ros``.

    Raises
    ------
    panoptic_ros.resources.NoHomeError
        There is no home directory.

    """
    return expand_home(os.environ.get('XDG_CACHE_HOME') or '~/.cache') / 'panoptic_ros'


class PlanCache:
    """
    A folder of plans, which finds each plan by what it was built from.

    Parameters
    ----------
    folder
        The folder, by default ``default_folder()``.  It is made if it is absent.

    Raises
    ------
    PlanError
        Others may write to the folder, and could so decide what runs here.
    OSError
        The folder cannot be made.

    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise NotADirectoryError(f'{self.folder} cannot hold plans ({error.strerror}): remove '
                                     'the file in its place, or name another folder') from error
        with trusting():
            check_folder(self.folder, 'plans are executed')

    def path(self, onnx: OnnxFile, info: PlanInfo) -> Path:
        """Return the path of a plan; model and request decide it, the version does not."""
        return self.folder / (f'{onnx.path.stem}-{info.precision}-{info.target}-'
                              f'{info.model_key[:8]}.plan')

    def find_or_build(self, onnx: OnnxFile, options: BuildOptions,
                      gpu: Gpu | None = None, log: Log = print, *, kernels: Path,
                      calibration: CalibrationImages | None = None,
                      progress: Progress | None = None, cancelled: Cancelled | None = None,
                      compile: Compile = compile_kernels) -> Path:
        """
        Return the path of a plan, which is built if the cache has none that fits.

        Without calibration images, an int8 plan fits whichever images it was built with.  While
        another process builds the same plan, this function waits for it.

        Parameters
        ----------
        onnx, options, gpu, kernels, calibration, progress, cancelled, compile
            As for ``build_engine``.
        log
            Receives one line when a plan is built, which says why.

        Raises
        ------
        BuildCancelled, BuildError, ModelError, ValueError, FileNotFoundError, ImportError, OSError
            ``build_engine`` raised it.
        OSError
            The folder has no room for a plan.

        """
        wanted = describe_plan(onnx, options, gpu, kernels_sha256(kernels), calibration)
        path = self.path(onnx, wanted)
        if _reason_to_build(path, wanted, calibration) is None:
            return path
        with _lock(path.with_suffix('.lock'), cancelled):
            reason = _reason_to_build(path, wanted, calibration)
            if reason is None:      # another process has built it meanwhile
                return path
            log(f'Building {path.name}: {reason}')
            for left_over in self.folder.glob(f'.{path.stem}.*.partial'):
                left_over.unlink(missing_ok=True)
            self._check_room(len(onnx.content))
            build_engine(onnx, path, options, kernels=kernels, gpu=gpu, calibration=calibration,
                         progress=progress, cancelled=cancelled, compile=compile,
                         timing_cache=self._timing_cache(wanted))
        return path

    def _check_room(self, expected: int) -> None:
        """Refuse a disk that is full before minutes of building, not after them."""
        room = shutil.disk_usage(self.folder).free
        if room < expected:
            raise OSError(f'{self.folder} has room for {room} bytes: expected {expected}, as many '
                          'as the model has; free some, or name another folder for plans')

    def _timing_cache(self, info: PlanInfo) -> Path:
        name = re.sub(r'[^A-Za-z0-9.]+', '_', f'{info.tensorrt} {info.gpu}')
        return self.folder / f'{name}.timings'


def _reason_to_build(path: Path, wanted: PlanInfo,
                     calibration: CalibrationImages | None) -> str | None:
    """Return why the plan at a path does not fit; None if it fits."""
    if not path.exists() and not sidecar_path(path).exists():
        return 'not built yet'
    try:
        _, info = read_plan(path)
        read_cubin(path)
    except FileNotFoundError:
        return 'the plan is missing'
    except PlanError as error:
        return error.reason
    if calibration is None:
        found = info.options.get('calibration')
        wanted = replace(wanted, options=wanted.options | {'calibration': found})
    return info.difference(wanted)


@contextmanager
def _lock(file: Path, cancelled: Cancelled | None) -> Iterator[None]:
    """Hold a file's lock; the system releases it however the process ends."""
    with trusting():
        descriptor = open_lock(file, 'plans are executed')
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                poll(cancelled)
                time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)
