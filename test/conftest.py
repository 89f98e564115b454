import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from panoptic_ros import LabelSpace

# A machine with a GPU that runs test/gpu need not have it.
with suppress(ImportError):
    from hypothesis import settings

    # The same examples in every run; HYPOTHESIS_PROFILE=search looks for new ones.
    settings.register_profile('same', derandomize=True)
    settings.register_profile('search', max_examples=1000)
    settings.load_profile(os.environ.get('HYPOTHESIS_PROFILE', 'same'))

os.environ['ORT_DISABLE_TELEMETRY'] = '1'       # also for tests that import it by themselves
sys.path.insert(0, str(Path(__file__).parent / 'support'))

# Each process of pytest-xdist takes its share of the cores; PyTorch's threads would spin for more.
if 'PYTEST_XDIST_WORKER_COUNT' in os.environ:
    share = len(os.sched_getaffinity(0)) // int(os.environ['PYTEST_XDIST_WORKER_COUNT'])
    os.environ.setdefault('OMP_NUM_THREADS', str(max(1, share)))

# A job that a shell starts in the background ignores Ctrl-C, one of nohup the end of the terminal,
# and so would the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """
    Tell pytest-xdist which tests stay together in one process.

    Files that use DDS are one piece, which runs one after the other; of the others each is one,
    as its tests share what is built for them.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return 'dds' if has_mark(config.rootpath / file, 'ros') else file

    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let pytest-xdist begin with what takes longest: DDS, then files with slow tests."""
    if hasattr(config, 'workerinput'):
        items.sort(key=lambda item: [not has_mark(item.path, mark) for mark in ('ros', 'slow')])


@lru_cache
def has_mark(file: Path, mark: str) -> bool:
    return f'pytest.mark.{mark}' in file.read_text(encoding='utf-8')


@pytest.fixture(scope='session', autouse=True)
def _kernels_compiled_once() -> Iterator[None]:
    import compiled_kernels
    with pytest.MonkeyPatch.context() as patch:
        compiled_kernels.install(patch)
        yield


@pytest.fixture(scope='session')
def cityscapes() -> LabelSpace:
    return LabelSpace.load('cityscapes')


@pytest.fixture(scope='session')
def tiny_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of an ONNX file that keeps the engine contract; see support/tiny_model.py."""
    import tiny_model
    return tiny_model.build(tmp_path_factory.mktemp('models') / 'tiny.onnx')
