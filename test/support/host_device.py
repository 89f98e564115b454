"""A device whose memory is the host's and whose kernels run on the processor, one at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cuda_on_cpu import FORWARD, Program

GARBAGE = 0xA5
"""What new memory is full of: nobody may rely on zeros."""


class HostArray:
    def __init__(self, memory: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.memory = memory            # bytes
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)

    @property
    def pointer(self) -> int:
        return self.memory.ctypes.data

    @property
    def nbytes(self) -> int:
        return self.memory.nbytes

    def part(self, start: int, end: int) -> HostArray:
        return HostArray(self.memory[start:end], (end - start,), np.uint8)


class HostModule:
    def __init__(self, program: Program, order: int) -> None:
        self._program, self._order = program, order

    def launch(self, name, grid, block, *arguments) -> None:
        self._program.launch(name, grid, block, [
            np.uint64(a.pointer) if isinstance(a, HostArray) else a for a in arguments],
            self._order)


class HostDevice:
    """What ``panoptic_ros.device.Device`` offers to those who launch kernels."""

    def __init__(self, build: Path, order: int = FORWARD) -> None:
        self._build, self._order = build, order

    def empty(self, shape, dtype) -> HostArray:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        # 256 bytes aligned, as the driver's allocations are
        memory = np.full(size + 256, GARBAGE, np.uint8)
        start = -memory.ctypes.data % 256
        return HostArray(memory[start:start + size], shape, dtype)

    def pinned(self, shape, dtype) -> np.ndarray:
        return np.empty(shape, dtype)

    def upload(self, target: HostArray, source: np.ndarray) -> None:
        target.memory[:] = np.ascontiguousarray(source).reshape(-1).view(np.uint8)

    def put(self, source: np.ndarray) -> HostArray:
        target = self.empty(source.shape, source.dtype)
        self.upload(target, source)
        return target

    def download(self, source: HostArray, target: np.ndarray) -> None:
        target.reshape(-1).view(np.uint8)[:] = source.memory

    def zero(self, array: HostArray) -> None:
        array.memory[:] = 0

    def load(self, source: Path) -> HostModule:
        return HostModule(Program(source, self._build), self._order)

    def free(self, array) -> None:
        pass

    def synchronize(self) -> None:
        pass
