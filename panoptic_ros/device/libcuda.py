"""The few functions of the driver's library that PyCUDA does not wrap."""

from __future__ import annotations

import ctypes
from typing import Any

_HANDLE, _HANDLE_OUT = ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    'cuGetErrorString': (ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)),
    'cuDeviceGet': (ctypes.POINTER(ctypes.c_int), ctypes.c_int),
    'cuDevicePrimaryCtxRetain': (_HANDLE_OUT, ctypes.c_int),
    'cuDevicePrimaryCtxReset_v2': (ctypes.c_int,),
    'cuCtxPopCurrent_v2': (_HANDLE_OUT,),
    'cuStreamBeginCapture_v2': (_HANDLE, ctypes.c_int),
    'cuStreamEndCapture': (_HANDLE, _HANDLE_OUT),
    'cuGraphInstantiateWithFlags': (_HANDLE_OUT, _HANDLE, ctypes.c_ulonglong),
    'cuGraphLaunch': (_HANDLE, _HANDLE),
    'cuGraphExecDestroy': (_HANDLE,),
    'cuGraphDestroy': (_HANDLE,),
    'cuEventCreate': (_HANDLE_OUT, ctypes.c_uint),
    'cuEventRecordWithFlags': (_HANDLE, _HANDLE, ctypes.c_uint),
    'cuEventSynchronize': (_HANDLE,),
    'cuEventElapsedTime': (ctypes.POINTER(ctypes.c_float), _HANDLE, _HANDLE),
    'cuEventDestroy_v2': (_HANDLE,),
}
CAPTURE_THREAD_LOCAL = 1
"""CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads may allocate while this one captures."""
EVENT_BLOCKING_SYNC = 1
"""CU_EVENT_BLOCKING_SYNC: a thread that waits for the event does not spin."""
EVENT_RECORD_EXTERNAL = 1
"""CU_EVENT_RECORD_EXTERNAL: a graph takes the moment at each of its launches."""


def load_libcuda() -> Any:
    """
    Return the driver's library with the types of its functions declared.

    Raises
    ------
    OSError, AttributeError
        There is no driver, or one too old for a function (before CUDA 11.4).

    """
    library = ctypes.CDLL('libcuda.so.1')
    for name, parameters in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = parameters, ctypes.c_int
    return library
