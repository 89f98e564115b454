"""The engine on TensorRT: a plan, executed in device memory."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from ..device import Device, DeviceArray, DeviceError
from ..tensors import Outputs, TensorSpec
from .contract import check_types, image_spec
from .metadata import ModelError, ModelMetadata
from .tensorrt import (
    collect_messages,
    complaints,
    describe_tensorrt,
    load_tensorrt,
    tensor_type,
    tensorrt_logger,
)

_REBUILD = 'build it again on this machine with `ros2 run panoptic_ros build_engine`'
_MIB = 1 << 20


class TensorRtEngine:
    """
    A serialised TensorRT engine on a GPU; see ``DeviceEngine``.

    Each number of images has an execution context of its own.  So a graph that was captured with
    one number stays valid when another runs.  All contexts share one piece of scratch memory.

    Parameters
    ----------
    device
        The GPU, opened by this thread; closing it closes the engine.
    plan
        The bytes that TensorRT serialised.
    metadata
        The model's metadata, from the plan's sidecar.
    outputs
        The tensors that the network has to put out.

    Raises
    ------
    ModelError
        The plan is for another GPU or TensorRT, or does not keep the engine contract.
    DeviceError
        The device has not enough memory.
    ImportError
        TensorRT is not installed.

    """

    def __init__(self, device: Device, plan: bytes, metadata: ModelMetadata,
                 outputs: Outputs) -> None:
        self._tensorrt = load_tensorrt()
        device.hold_context()       # TensorRT's part of the CUDA runtime stays in the context
        runtime = describe_tensorrt(self._tensorrt)
        self.metadata = metadata
        self.description = f'{runtime}, {device.name}'
        self._device = device
        self._contexts: dict[int, Any] = {}
        self._ran: set[int] = set()
        self._arrays: list[DeviceArray] = []
        self._runtime: Any = self._tensorrt.Runtime(tensorrt_logger(self._tensorrt))
        with collect_messages() as messages:
            self._engine: Any = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            self._fail_to_load(f'{runtime} cannot load the plan on {device.name}: '
                               f'{complaints(messages)}')
        device.own(self)
        try:
            self._is_dynamic, self._least, self.batch = self._batch_range()
            image = image_spec(metadata)
            self._type_of('image', image, is_input=True)
            types = {name: self._type_of(name, spec) for name, spec in outputs.items()}
            self._check_types(outputs, types)
            self.image = self._allocate((self.batch, *image.shape), np.uint8)
            self.outputs = {name: self._allocate((self.batch, *spec.shape), types[name])
                            for name, spec in outputs.items()}
            size = int(self._engine.device_memory_size_v2)
            self._scratch = self._allocate((size,), np.uint8) if size else None
            self._scratch_size = size
            self._prepare(self.batch)
        except BaseException:
            self.close()
            raise

    def enqueue(self, count: int) -> None:
        """Run the network; see ``DeviceEngine``."""
        if not 1 <= count <= self.batch:
            raise ValueError(f'{count} images: expected 1 to {self.batch}, for which the plan was '
                             'built')
        if self._engine is None:
            raise DeviceError(f'{self.description} is closed: load the plan again')
        if not self._is_dynamic:
            count = self.batch
        count = max(count, self._least)
        if self._device.capturing and count not in self._ran:
            raise RuntimeError(f'a graph is being captured, and {count} images were never run '
                               'before: call enqueue with that count once, then capture')
        self._prepare(count)
        with collect_messages() as messages:
            done = self._contexts[count].execute_async_v3(self._device.stream_handle)
        if not done:
            if not self._device.capturing:
                self._device.synchronize()      # raises an error if the context is lost
            raise DeviceError(f'{self.description} cannot run the network: '
                              f'{complaints(messages)}: {_REBUILD}')
        self._ran.add(count)

    def close(self) -> None:
        """Release the engine and its memory; a second call does nothing."""
        if self._engine is not None and not self._device.lost:
            with suppress(DeviceError):         # the network may still be running
                self._device.synchronize()
        self._contexts.clear()
        self._engine = None
        self._runtime = None
        arrays, self._arrays = self._arrays, []
        if not self._device.lost:
            for array in arrays:
                array.free()
        self._device.disown(self)

    def _batch_range(self) -> tuple[bool, int, int]:
        """Return whether the number of images may change, and its smallest and largest value."""
        if 'image' not in self._names():
            raise ModelError('the plan has no input image: the engine contract asks for one; '
                             f'{_REBUILD}')
        images = tuple(self._engine.get_tensor_shape('image'))[:1]
        if images != (-1,):
            return False, images[0], images[0]
        least, _, most = map(tuple, self._engine.get_tensor_profile_shape('image', 0))
        return True, least[0], most[0]

    def _type_of(self, name: str, spec: TensorSpec, is_input: bool = False) -> str:
        """Return the type of a tensor; raise ModelError if the tensor does not fit its spec."""
        tensorrt, engine = self._tensorrt, self._engine
        mode = tensorrt.TensorIOMode.INPUT if is_input else tensorrt.TensorIOMode.OUTPUT
        shape: tuple[int, ...] = ()
        kind = None
        if name in self._names() and engine.get_tensor_mode(name) == mode:
            shape = tuple(engine.get_tensor_shape(name))
            kind = engine.get_tensor_dtype(name)
        count = -1 if self._is_dynamic else self.batch
        allowed = {tensor_type(tensorrt, numpy): numpy for numpy in spec.types}
        if kind not in allowed or shape != (count, *spec.shape):
            found = 'absent' if kind is None else f'{kind} {shape}'
            raise ModelError(f'the plan\'s {"input" if is_input else "output"} {name} is {found}: '
                             f'the engine contract asks for {spec}; {_REBUILD}')
        return allowed[kind]

    def _check_types(self, outputs: Outputs, types: dict[str, str]) -> None:
        try:
            check_types(outputs, types, 'in the plan ')
        except ModelError as error:
            raise ModelError(f'{error}; {_REBUILD}') from error

    def _names(self) -> set[str]:
        return {self._engine.get_tensor_name(n) for n in range(self._engine.num_io_tensors)}

    def _allocate(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> DeviceArray:
        array = self._device.empty(shape, dtype)
        self._arrays.append(array)
        return array

    def _prepare(self, count: int) -> None:
        """Make the execution context for a number of images, at its first use."""
        if count in self._contexts:
            return
        tensorrt, stream = self._tensorrt, self._device.stream_handle
        with collect_messages() as messages:
            context = self._engine.create_execution_context(
                tensorrt.ExecutionContextAllocationStrategy.USER_MANAGED)
            if context is None:
                self._fail_to_load(f'{self.description} cannot make an execution context: '
                                   f'{complaints(messages)}')
            if self._scratch is not None:
                context.set_device_memory(self._scratch.pointer, self._scratch_size)
            ready = not self._is_dynamic or (
                context.set_optimization_profile_async(0, stream)
                and context.set_input_shape('image', (count, *self.image.shape[1:])))
            for name, array in {'image': self.image, **self.outputs}.items():
                ready = ready and context.set_tensor_address(name, array.pointer)
        if not ready:
            del context         # the exception's traceback must not keep it beyond the engine
            raise DeviceError(f'{self.description} cannot be set up for {count} images: '
                              f'{complaints(messages)}: {_REBUILD}')
        self._device.synchronize()      # wait for what the change of the profile enqueued
        self._contexts[count] = context

    def _fail_to_load(self, found: str) -> None:
        if any(sign in found.lower() for sign in ('out of memory', 'could not be allocated')):
            free, total = self._device.memory()
            raise DeviceError(f'{found} ({free / _MIB:.0f} of {total / _MIB:.0f} MiB are free): '
                              'end other programs on the GPU (`nvidia-smi` lists them), or run a '
                              'smaller model, a lower precision or fewer cameras')
        raise ModelError(f'{found}: {_REBUILD}')
