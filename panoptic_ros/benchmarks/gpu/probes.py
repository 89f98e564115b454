"""Kernels that do nothing, wait or copy; the floor of the decoder is measured with them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...device import Device, DeviceArray, Graph, compile_kernels
from ...device.compiler import SOURCE
from .stopwatch import Stopwatch

COPY_BYTES = 256 << 20
"""The bytes of the copy that measures the bandwidth; no cache holds so many."""
TURNS = 60_000
"""Steps of the kernel that holds the GPU; they take some tenths of a millisecond."""

KERNELS = """
struct alignas(16) Words { unsigned first, second, third, fourth; };

extern "C" __global__ void nothing(const void* ignored) {}

extern "C" __global__ void hold(unsigned* result, unsigned turns) {
    unsigned value = turns;
    for (unsigned turn = 0; turn < turns; turn++) value = value * 1664525u + (value >> 16);
    *result = value;
}

extern "C" __global__ void copy(const Words* source, Words* target, unsigned count) {
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count;
         i += gridDim.x * blockDim.x)
        target[i] = source[i];
}
"""
_THREADS, _MOST_BLOCKS, _WORDS = 256, 4096, 16


class Probes:
    """
    The kernels of the measurement, compiled for a GPU and loaded.

    Raises
    ------
    ImportError, CompileError
        There is no compiler of CUDA kernels, or it reports an error.
    DeviceError
        The device has not enough memory.

    """

    def __init__(self, device: Device) -> None:
        self._device = device
        with tempfile.TemporaryDirectory(prefix='panoptic_ros_') as folder:
            (Path(folder) / SOURCE).write_text(KERNELS, encoding='ascii')
            self._kernels = device.load(compile_kernels(Path(folder), device.target))
        self._result = device.empty((1,), np.uint32)
        self._launch_each()

    def _launch_each(self) -> None:
        """Launch every kernel once: old drivers load it then, which no graph can record."""
        self._nothing()
        self._kernels.launch('hold', (1, 1, 1), (1, 1, 1), self._result, np.uint32(1))
        self._copy(self._result, self._result, 0)
        self._device.synchronize()

    def hold(self) -> None:
        """Keep the GPU busy with one thread for some tenths of a millisecond; asynchronous."""
        self._kernels.launch('hold', (1, 1, 1), (1, 1, 1), self._result, np.uint32(TURNS))

    def chain(self, length: int) -> Graph:
        """Return a graph of ``length`` kernels that do nothing, one after the other."""
        def enqueue() -> None:
            for _ in range(length):
                self._nothing()
        return record(self._device, enqueue)

    def bandwidth(self, stopwatch: Stopwatch, rounds: int) -> float:
        """Return the bytes per millisecond that a copy on the device reads and writes."""
        source, target = (self._device.empty((COPY_BYTES,), np.uint8) for _ in range(2))
        self._device.zero(source)
        words = COPY_BYTES // _WORDS
        taken = stopwatch.medians({'copy': lambda: self._copy(source, target, words)}, rounds)
        source.free()
        target.free()
        return 2 * COPY_BYTES / taken['copy']

    def _nothing(self) -> None:
        self._kernels.launch('nothing', (1, 1, 1), (32, 1, 1), self._result)

    def _copy(self, source: DeviceArray, target: DeviceArray, words: int) -> None:
        blocks = max(1, min(-(-words // _THREADS), _MOST_BLOCKS))
        self._kernels.launch('copy', (blocks, 1, 1), (_THREADS, 1, 1), source, target,
                             np.uint32(words))


def record(device: Device, *parts: Callable[[], None]) -> Graph:
    """Return a graph of the work that functions enqueue, one after the other."""
    with device.capture() as graph:
        for enqueue in parts:
            enqueue()
    return graph


def forget(device: Device, *graphs: Graph) -> None:
    """Release graphs before the memory that they use."""
    for graph in graphs:
        graph.close()
        device.disown(graph)
