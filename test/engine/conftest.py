import dataclasses
import sys
from types import ModuleType

import pytest


@dataclasses.dataclass(frozen=True)
class FakeGpu:
    name: str = 'NVIDIA L4'
    target: str = 'sm_89'


@pytest.fixture
def gpu():
    return FakeGpu()


@pytest.fixture
def rtx(monkeypatch):
    """TensorRT-RTX itself, which builds without a GPU; who asks for it has the mark ``build``."""
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'tensorrt_rtx')
    return pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')


@pytest.fixture
def tensorrt(monkeypatch, rtx):
    """
    A TensorRT that, as versions 10 and 11, cannot choose what it builds for.

    It is TensorRT-RTX under another name and without the names that it alone has; tests change
    its version and replace its parts.
    """
    module = ModuleType('tensorrt')
    module.__dict__.update({name: value for name, value in vars(rtx).items()
                            if not name.startswith('__') and name != 'ComputeCapability'})
    module.__version__ = '10.13.3.9'
    monkeypatch.setitem(sys.modules, 'tensorrt', module)
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'tensorrt')
    return module
