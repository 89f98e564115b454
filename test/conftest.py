import signal
import sys
from pathlib import Path

import pytest

from panoptic_ros import LabelSpace

sys.path.insert(0, str(Path(__file__).parent / 'support'))

# A job that a shell starts in the background ignores Ctrl-C, and so would the processes that
# tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope='session')
def cityscapes() -> LabelSpace:
    return LabelSpace.load('cityscapes')


@pytest.fixture(scope='session')
def tiny_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of an ONNX file that keeps the engine contract; see support/tiny_model.py."""
    import tiny_model
    return tiny_model.build(tmp_path_factory.mktemp('models') / 'tiny.onnx')
