"""Moments on the device's stream, to measure time between them."""

from __future__ import annotations

import ctypes

from .context import Context
from .libcuda import EVENT_BLOCKING_SYNC, EVENT_RECORD_EXTERNAL


class Event:
    """
    A moment on the stream; ``Device.event`` makes it.

    An event that is recorded within ``Device.capture`` is taken anew at each launch of the graph.
    PyCUDA's own events are not.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._handle: ctypes.c_void_p | None = None
        handle = ctypes.c_void_p()
        with context.using('making an event'):
            context.call('cuEventCreate', ctypes.byref(handle), EVENT_BLOCKING_SYNC)
        self._handle = handle

    def record(self) -> None:
        """Take the moment at which all work enqueued so far is done.  Asynchronous."""
        flags = EVENT_RECORD_EXTERNAL if self._context.capturing else 0
        with self._context.using('recording an event'):
            self._context.call('cuEventRecordWithFlags', self._handle,
                               self._context.stream_handle, flags)

    def elapsed_since(self, earlier: Event) -> float:
        """Return the milliseconds from another event to this one, after waiting for this one."""
        milliseconds = ctypes.c_float()
        with self._context.using('waiting for the GPU'):
            self._context.call('cuEventSynchronize', self._handle)
            self._context.call('cuEventElapsedTime', ctypes.byref(milliseconds), earlier._handle,
                               self._handle)
        return milliseconds.value

    def close(self) -> None:
        """Let go of the event."""
        handle, self._handle = self._handle, None
        if handle is not None and not self._context.lost:
            with self._context.using('releasing an event'):
                self._context.call('cuEventDestroy_v2', handle)
