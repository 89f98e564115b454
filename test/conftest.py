import os
import signal
import sys
from pathlib import Path

import pytest

from panoptic_ros import LabelSpace

sys.path.insert(0, str(Path(__file__).parent / 'support'))

# Each process of pytest-xdist takes its share of the cores; PyTorch's threads would spin for more.
if 'PYTEST_XDIST_WORKER_COUNT' in os.environ:
    share = len(os.sched_getaffinity(0)) // int(os.environ['PYTEST_XDIST_WORKER_COUNT'])
    os.environ.setdefault('OMP_NUM_THREADS', str(max(1, share)))

# A job that a shell starts in the background ignores Ctrl-C, and so would the processes that
# tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Tell the processes of pytest-xdist which tests stay together.

    Those that use DDS run one after the other in one process, which gets them first; of the
    others each file is one piece, as its tests share what is built for them, slow ones first.
    """
    if not hasattr(config, 'workerinput'):
        return
    slow = {item.path for item in items if item.get_closest_marker('slow')}
    items.sort(key=lambda item: (not item.get_closest_marker('ros'), item.path not in slow))
    for item in items:
        group = 'dds' if item.get_closest_marker('ros') else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope='session')
def cityscapes() -> LabelSpace:
    return LabelSpace.load('cityscapes')


@pytest.fixture(scope='session')
def tiny_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of an ONNX file that keeps the engine contract; see support/tiny_model.py."""
    import tiny_model
    return tiny_model.build(tmp_path_factory.mktemp('models') / 'tiny.onnx')
