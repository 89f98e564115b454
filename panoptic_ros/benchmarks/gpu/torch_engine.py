"""
An engine that runs a network with PyTorch on the GPU, for measurements without TensorRT.

The engine shares our device memory without a copy, in the device's primary context and on its
stream.  After it has run once with a number of images, it allocates nothing more for that number,
so a graph can capture it.  PyTorch keeps handles and memory in that context.  So the context is
held until the process ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...device import Device, DeviceArray, DeviceError
from ...engine import ModelMetadata
from ...families import deeplab
from ...labels import LabelSpace
from ...network.families.deeplab.model import PanopticDeepLab
from ...network.families.deeplab.variants import preset
from . import machine

if TYPE_CHECKING:
    import numpy.typing as npt

_TYPES: dict[torch.dtype, npt.DTypeLike] = {torch.float32: np.float32, torch.float16: np.float16}


class TorchEngine:
    """
    A PyTorch network with random weights on a GPU; see ``engine.protocol.DeviceEngine``.

    Parameters
    ----------
    device
        The GPU, opened by this thread; closing it closes the engine.
    network
        Name of a network of this package; it has Cityscapes' classes.
    input_size
        The network's input (height, width) in pixels.
    batch
        Largest number of images at once.
    dtype
        Type of weights, arithmetic and outputs: ``torch.float16`` or ``torch.float32``.
    stand_ins
        Outputs for one image, by name, each [1, ...].  They replace the network's own outputs,
        because untrained weights make no instances.  The network still runs.
    gpu
        Number of the GPU.

    Raises
    ------
    ImportError
        This PyTorch sees no GPU, or is older than 2.5.
    ValueError
        There is no such network or type.
    DeviceError
        The device has not enough memory.

    """

    def __init__(self, device: Device, network: str, input_size: tuple[int, int], batch: int,
                 dtype: torch.dtype = torch.float16,
                 stand_ins: Mapping[str, npt.NDArray[Any]] | None = None, gpu: int = 0) -> None:
        if dtype not in _TYPES:
            raise ValueError(f'dtype is {dtype}: expected {" or ".join(map(str, _TYPES))}')
        untrained = _make(network)
        place = _place(gpu)
        device.hold_context()
        self.metadata = ModelMetadata(network, input_size, LabelSpace.load('cityscapes'),
                                      {'weights': 'random'}, layout={'stride': 4})
        self.batch = batch
        self.description = (f'PyTorch {torch.__version__}, '
                            f'{"fp16" if dtype is torch.float16 else "fp32"}, {device.name}')
        self._device = device
        self._ran: set[int] = set()
        self._arrays: list[DeviceArray] = []
        self._tensors: list[torch.Tensor] = []
        self._stand_ins: list[torch.Tensor] = []
        self._stream = self._pool = None
        self._place = place
        # The channels of an image are already its last axis, as channels_last wants them.
        self._network: torch.nn.Module | None = untrained.to(
            place, dtype, memory_format=torch.channels_last)    # type: ignore[call-overload]
        device.own(self)
        try:
            self.image = self._allocate((batch, *input_size, 3), np.uint8)
            self.outputs: Mapping[str, DeviceArray] = {
                name: self._allocate((batch, *spec.shape), _TYPES[dtype])
                for name, spec in deeplab.FAMILY.outputs(self.metadata).items()}
            self._tensors += [share(array, place)
                              for array in (self.image, *self.outputs.values())]
            self._stand_ins += [torch.from_numpy(stand_ins[name]).to(place, dtype)
                                for name in self.outputs if stand_ins is not None]
            self._stream, self._pool = _stream_of(device, place), _pool(place)
            _finish(place)      # copies of weights are not on our stream
        except BaseException:
            self.close()
            raise

    def enqueue(self, count: int) -> None:
        """Run the network; see ``DeviceEngine``."""
        if not 1 <= count <= self.batch:
            raise ValueError(f'{count} images: expected 1 to {self.batch}, for which the engine '
                             'was made')
        if self._network is None:
            raise RuntimeError(f'{self.description} is closed: make another engine')
        if self._device.capturing and count not in self._ran:
            raise RuntimeError(f'a graph is being captured, and {count} images were never run '
                               'before: call enqueue with that count once, then capture')
        try:
            with memory_errors():
                if count not in self._ran:
                    self._choose_algorithms(count)
                self._run(count, self._pool)
        except MemoryError as error:
            raise DeviceError(f'{self.description} lacks memory for {count} images: {error}: run '
                              'a smaller network or fewer images at once') from error
        self._ran.add(count)

    def close(self) -> None:
        """Release the network and the memory; a second call does nothing."""
        if self._network is not None and not self._device.lost:
            self._device.synchronize()
        self._network = None
        self._tensors, self._stand_ins = [], []
        self._stream = self._pool = None
        if not self._device.lost:
            release_cache()
        arrays, self._arrays = self._arrays, []
        if not self._device.lost:
            for array in arrays:
                array.free()
        self._device.disown(self)

    def _choose_algorithms(self, count: int) -> None:
        """
        Run outside the pool, where cuDNN tries its algorithms and empties PyTorch's cache.

        The memory of the tried algorithms is released.  So the pool holds only the memory that the
        chosen algorithms need.
        """
        self._run(count, None)
        self._device.synchronize()
        release_cache()

    def _run(self, count: int, pool: Any) -> None:
        assert self._network is not None
        image, *outputs = self._tensors
        with torch.inference_mode(), _working(self._place, self._stream, pool):
            made: Sequence[torch.Tensor] = self._network(image[:count])
            for target, values in zip(outputs, made, strict=True):
                target[:count].copy_(values)
            for target, values in zip(outputs, self._stand_ins, strict=False):
                target[:count].copy_(values)

    def _allocate(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> DeviceArray:
        array = self._device.empty(shape, dtype)
        self._arrays.append(array)
        return array


def share(array: DeviceArray, place: torch.device) -> torch.Tensor:
    """
    Return an array in device memory as a tensor in the same place.

    Raises
    ------
    RuntimeError
        PyTorch made a copy.

    """
    tensor = torch.as_tensor(array, device=place)
    if tensor.data_ptr() != array.pointer:
        raise RuntimeError(f'PyTorch copied the array {array.shape} from {array.pointer:#x} to '
                           f'{tensor.data_ptr():#x}: expected it to be shared; is it on {place}?')
    return tensor


@contextmanager
def on_stream(device: Device, gpu: int = 0) -> Iterator[torch.device]:
    """Let PyTorch work on the device's stream in a block; yield PyTorch's device."""
    place = _place(gpu)
    device.hold_context()
    with _working(place, _stream_of(device, place), None):
        yield place


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn PyTorch's error for lack of GPU memory into a MemoryError of one line."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        lines = str(error).splitlines() or ['out of memory']
        raise MemoryError(lines[0]) from error.with_traceback(None)


def release_cache() -> None:
    """Give back freed GPU memory that PyTorch keeps in its cache."""
    torch.cuda.empty_cache()


def _make(network: str) -> PanopticDeepLab:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return PanopticDeepLab(preset(network), len(LabelSpace.load('cityscapes'))).eval()


def _place(gpu: int) -> torch.device:
    reason = machine.why_not_torch()
    if reason is not None:
        raise ImportError(reason)
    return torch.device('cuda', gpu)


def _stream_of(device: Device, place: torch.device) -> Any:
    return torch.cuda.ExternalStream(device.stream_handle, device=place)


def _pool(place: torch.device) -> Any:
    """Return a memory pool for the tensors between layers, which graphs go on using."""
    with torch.cuda.device(place):
        return torch.cuda.MemPool()


def _finish(place: torch.device) -> None:
    torch.cuda.synchronize(place)


@contextmanager
def _working(place: torch.device, stream: Any, pool: Any) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(torch.cuda.device(place))
        stack.enter_context(torch.cuda.stream(stream))
        if pool is not None:
            stack.enter_context(torch.cuda.use_mem_pool(pool, place))
        stack.enter_context(torch.backends.cudnn.flags(
            enabled=True, benchmark=True, deterministic=False, allow_tf32=True))
        yield
