"""The wheel of vision_msgs, as C++ programs find and load it: rosbag2, for one."""

import ctypes
import os
import sys
from pathlib import Path

import pytest

MESSAGES = sorted(path.stem for path in (
    Path(__file__).resolve().parents[2] / 'interfaces/vision_msgs/msg').glob('*.msg'))
IMPLEMENTATIONS = ('rosidl_typesupport_fastrtps_cpp', 'rosidl_typesupport_introspection_cpp')


class TypeSupport(ctypes.Structure):
    """The beginning of rosidl_message_type_support_t."""


TypeSupport._fields_ = [
    ('identifier', ctypes.c_char_p), ('data', ctypes.c_void_p),
    ('find', ctypes.CFUNCTYPE(ctypes.POINTER(TypeSupport), ctypes.POINTER(TypeSupport),
                              ctypes.c_char_p))]


def type_support(kind: str, message: str) -> 'ctypes._Pointer[TypeSupport]':
    """Return what a library that is found in the ament index knows of a message."""
    from ament_index_python.packages import get_package_prefix
    prefix = Path(get_package_prefix('vision_msgs'))
    library = ctypes.CDLL(str(prefix / 'lib' / f'libvision_msgs__{kind}.so'))
    function = library[f'{kind}__get_message_type_support_handle__vision_msgs__msg__{message}']
    function.restype = ctypes.POINTER(TypeSupport)
    return function()


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip('rclpy')
    pytest.importorskip('vision_msgs')
    if not os.environ.get('AMENT_PREFIX_PATH'):     # of wheels, the environment is the prefix
        monkeypatch.setenv('AMENT_PREFIX_PATH', sys.prefix)


@pytest.mark.parametrize('message', MESSAGES)
def test_cpp_programs_find_the_type_support_of_every_message(message):
    general = type_support('rosidl_typesupport_cpp', message)
    assert general.contents.identifier == b'rosidl_typesupport_cpp'
    for kind in IMPLEMENTATIONS:
        found = general.contents.find(general, kind.encode())
        assert found, f'{kind} is not found through the general one'
        assert found.contents.identifier == type_support(kind, message).contents.identifier


@pytest.mark.parametrize('message', MESSAGES)
def test_python_programs_have_every_message(message):
    from rclpy.serialization import deserialize_message, serialize_message
    from vision_msgs import msg
    kind = getattr(msg, message)
    assert deserialize_message(serialize_message(kind()), kind) == kind()
