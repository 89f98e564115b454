"""PyCUDA and libcuda on a machine that is all host memory, put in the place of the real ones."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from fake_cuda_machine import TEXTS, DriverError, Executable, Machine, Moment, Recording
from fake_pycuda import FakeCuda, Kernels


class FakeLibrary:
    """libcuda: the functions that return a status."""

    def __init__(self, cuda: FakeCuda) -> None:
        machine = self._machine = cuda.machine

        def status(function: Callable[..., Any]) -> Callable[..., int]:
            def call(*arguments) -> int:
                try:
                    function(*(getattr(a, 'value', a) for a in arguments))
                except DriverError as failure:
                    return failure.status
                return 0
            return call

        def out(function: Callable[..., Any]) -> Callable[..., Any]:
            def call(target, *arguments) -> None:
                target._obj.value = function(*arguments)
            return call

        self.cuStreamBeginCapture_v2 = status(machine.begin_capture)
        self.cuStreamEndCapture = status(
            lambda stream, target: out(machine.end_capture)(target, stream))
        self.cuGraphInstantiateWithFlags = status(
            lambda target, graph, flags: out(machine.instantiate)(target, graph))
        self.cuGraphLaunch = status(machine.launch_graph)
        self.cuGraphDestroy = status(
            lambda graph: machine.destroy('cuGraphDestroy', graph, Recording))
        self.cuGraphExecDestroy = status(
            lambda graph: machine.destroy('cuGraphExecDestroy', graph, Executable))
        self.cuEventCreate = status(lambda target, flags: out(machine.create_event)(target))
        self.cuEventRecordWithFlags = status(machine.record_event)
        self.cuEventSynchronize = status(machine.wait_for_event)
        self.cuEventElapsedTime = status(
            lambda target, start, end: out(machine.time_between)(target, start, end))
        self.cuEventDestroy_v2 = status(
            lambda event: machine.destroy('cuEventDestroy', event, Moment))
        self.cuDeviceGet = status(lambda target, index: out(lambda: index)(target))
        self.cuDevicePrimaryCtxRetain = status(
            lambda target, index: out(machine.keep)(target, index))
        self.cuDevicePrimaryCtxReset_v2 = status(self._reset)
        self.cuCtxPopCurrent_v2 = status(self._pop)
        self.cuGetErrorString = status(self._text)

    def _pop(self, target) -> None:
        self._machine.enter('cuCtxPopCurrent', context=False)
        if not self._machine.stack:
            raise DriverError('cuCtxPopCurrent', 201)
        self._machine.stack.pop()

    def _reset(self, index: int) -> None:
        self._machine.enter('cuDevicePrimaryCtxReset', context=False)
        self._machine.reset(index)

    def _text(self, status: int, target) -> None:
        target._obj.value = TEXTS[status].encode()


def install(monkeypatch, machine: Machine | None = None,
            kernels: Kernels | None = None) -> Iterator[FakeCuda]:
    """
    Put the double in the place of PyCUDA and libcuda; for a fixture, with ``yield from``.

    After the test it checks that nothing was left: no context on a stack, nothing in one.
    """
    cuda = FakeCuda(machine or Machine(), kernels)
    package = types.ModuleType('pycuda')
    package.driver = cuda.driver
    monkeypatch.setitem(sys.modules, 'pycuda', package)
    monkeypatch.setitem(sys.modules, 'pycuda.driver', cuda.driver)
    monkeypatch.setattr('panoptic_ros.device.libcuda.load_libcuda', lambda: FakeLibrary(cuda))
    monkeypatch.setattr('panoptic_ros.device.context._kept', set())
    yield cuda
    left = cuda.machine.left_behind()
    assert not left, left
