"""Work recorded once and launched as one."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .context import Context
from .errors import DeviceError
from .libcuda import CAPTURE_THREAD_LOCAL


class Graph:
    """
    Work on the stream of a device, recorded by ``Device.capture``.

    The work reads and writes the addresses that it was recorded with.  They must not be freed
    before the graph is.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._executable: ctypes.c_void_p | None = None

    def launch(self) -> None:
        """
        Enqueue all that was recorded.  Asynchronous.

        Raises
        ------
        RuntimeError
            The recording block has not ended, or it failed.
        DeviceError
            CUDA refuses the launch, or earlier work on the device failed.

        """
        if self._executable is None:
            raise RuntimeError('the graph holds no work: launch it after the block of '
                               '`with device.capture() as graph`, and before the device closes')
        with self._context.using('launching a graph'):
            self._context.call('cuGraphLaunch', self._executable, self._context.stream_handle)

    def close(self) -> None:
        """Release what was recorded."""
        executable, self._executable = self._executable, None
        if executable is not None and not self._context.lost:
            with self._context.using('releasing a graph'):
                self._context.call('cuGraphExecDestroy', executable)

    def instantiate(self, recorded: ctypes.c_void_p) -> None:
        """Make the recorded work launchable; for ``capture``."""
        executable = ctypes.c_void_p()
        try:
            with self._context.using('making a graph of the recorded work'):
                self._context.call('cuGraphInstantiateWithFlags', ctypes.byref(executable),
                                  recorded, 0)
        finally:
            with suppress(DeviceError), self._context.using('releasing the recording'):
                self._context.call('cuGraphDestroy', recorded)
        self._executable = executable


@contextmanager
def capture(context: Context) -> Iterator[Graph]:
    """Record what the block enqueues; see ``Device.capture``."""
    graph = Graph(context)
    with context.using('beginning to record a graph'):
        context.call('cuStreamBeginCapture_v2', context.stream_handle, CAPTURE_THREAD_LOCAL)
    context.capturing = True
    try:
        yield graph
    except BaseException:
        with suppress(DeviceError):
            recorded = _end(context)
            if recorded:
                with context.using('releasing the recording'):
                    context.call('cuGraphDestroy', recorded)
        raise
    graph.instantiate(_end(context))


def _end(context: Context) -> ctypes.c_void_p:
    recorded = ctypes.c_void_p()
    context.capturing = False
    with context.using('recording a graph'):
        context.call('cuStreamEndCapture', context.stream_handle, ctypes.byref(recorded))
    return recorded
