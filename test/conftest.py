import faulthandler
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from _pytest import faulthandler as watch

from panoptic_ros import LabelSpace

os.environ['ORT_DISABLE_TELEMETRY'] = '1'       # also for tests that import it by themselves
sys.path.insert(0, str(Path(__file__).parent / 'support'))

import quick_run

# The numbers are shares in per cent of what each test asks for with support/examples.py. Only a
# search may find what the run before did not, and no test fails for being slow. A machine with a
# GPU that runs test/gpu need not have Hypothesis.
with suppress(ImportError):
    from hypothesis import settings

    settings.register_profile('same', derandomize=True, deadline=None, max_examples=100)
    settings.register_profile('quick', settings.get_profile('same'), max_examples=20)
    settings.register_profile('search', deadline=None, max_examples=2000, print_blob=True)
    settings.load_profile('same')

# Each process of pytest-xdist takes its share of the cores; PyTorch's threads would spin for more.
if 'PYTEST_XDIST_WORKER_COUNT' in os.environ:
    share = len(os.sched_getaffinity(0)) // int(os.environ['PYTEST_XDIST_WORKER_COUNT'])
    os.environ.setdefault('OMP_NUM_THREADS', str(max(1, share)))

# A job that a shell starts in the background ignores Ctrl-C, one of nohup the end of the terminal,
# and so would the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption('--quick', action='store_true',
                     help='only the tests without marks, which need the runtime alone')


def pytest_configure(config: pytest.Config) -> None:
    if config.option.quick:
        quick_run.start(config)
        if not config.getoption('hypothesis_profile', default=None):
            settings.load_profile('quick')


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what has no test of a quick run."""
    marked = config.option.quick and collection_path.suffix == '.py' and (
        quick_run.marks_of_all(collection_path))
    return True if marked else None


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """Watch the end of a test that failed, too: pytest leaves it to a debugger that may come."""
    if isinstance(node, pytest.Item) and node.config.pluginmanager.hasplugin('faulthandler'):
        timeout = watch.get_timeout_config_value(node.config)
        if timeout > 0:
            faulthandler.dump_traceback_later(
                timeout, exit=True, file=node.config.stash[watch.fault_handler_stderr_fd_key])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Take one process more than there are cores, as tests over DDS mostly wait."""
    if config.option.quick or 'PYTEST_XDIST_AUTO_NUM_WORKERS' in os.environ:
        return None
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """
    Tell pytest-xdist which tests stay together in one process.

    Files that use DDS are two pieces, those of the node and the others, each of which runs one
    after the other in a domain of its own.  Of all other files each is one piece, as its tests
    share what is built for them.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            if 'ros' not in quick_run.marks_in(config.rootpath / file):
                return file
            return 'dds of the node' if file.startswith('test/node/') else 'dds'

        def remove_node(self, node: Any) -> str | None:
            """Do not run again what ended its process, as it may do so for ever."""
            pieces = self.assigned_work[node].values()
            at = next((test for piece in pieces for test in piece if not piece[test]), None)
            for piece in pieces:
                piece.pop(at, None)
            super().remove_node(node)
            return at

    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by their fixtures; let pytest-xdist begin with DDS, then files with marks."""
    for item in items:
        for fixture in quick_run.FIXTURES.keys() & set(getattr(item, 'fixturenames', ())):
            item.add_marker(quick_run.FIXTURES[fixture])
    if hasattr(config, 'workerinput'):
        marked = {item.path for item in items
                  if any(map(item.get_closest_marker, quick_run.MARKS))}
        items.sort(key=lambda item: ('ros' not in quick_run.marks_in(item.path),
                                     item.path not in marked))


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
