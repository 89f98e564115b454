"""
TensorRT's runtime over host memory: plans that hold an ONNX file, executed by ONNX Runtime.

Networks run when the stream of the doubled CUDA gets to them, read their input where
``set_tensor_address`` says and write their heads there.
"""

from __future__ import annotations

import enum
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from fake_cuda_machine import Machine

_MAGIC = b'fake plan\n'
SCRATCH = 4096
"""Bytes that an execution context needs per image."""


class Severity(enum.Enum):
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class DataType(enum.Enum):
    FLOAT, HALF, UINT8, INT32, INT64 = range(5)


class TensorIOMode(enum.Enum):
    NONE, INPUT, OUTPUT = range(3)


class ExecutionContextAllocationStrategy(enum.Enum):
    STATIC, ON_PROFILE_CHANGE, USER_MANAGED = range(3)


_TYPES = {'tensor(float)': (DataType.FLOAT, np.float32),
          'tensor(float16)': (DataType.HALF, np.float16),
          'tensor(uint8)': (DataType.UINT8, np.uint8), 'tensor(int32)': (DataType.INT32, np.int32),
          'tensor(int64)': (DataType.INT64, np.int64)}


def write_plan(model: Path, batch: tuple[int, int] | int = (1, 4), target: str = 'sm_89') -> bytes:
    """
    Return a plan of an ONNX file.

    ``batch`` is the least and the most of a dynamic number of images, or a fixed one.
    """
    header = {'batch': batch, 'target': target}
    return _MAGIC + json.dumps(header).encode() + b'\n' + model.read_bytes()


class FakeTensorRt:
    """
    The module ``tensorrt`` on a machine.

    Attributes
    ----------
    failures
        Say what fails, and with which message of the log: names of methods to texts.

    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.failures: dict[str, str] = {}
        self.alive = 0
        """Engines and execution contexts that have not been destroyed."""
        self.module = types.ModuleType('tensorrt')
        parts = (DataType, TensorIOMode, ExecutionContextAllocationStrategy)
        self.module.__dict__.update({kind.__name__: kind for kind in parts})
        self.module.__version__ = '10.0.fake'
        self.module.ILogger = type('ILogger', (), {
            'Severity': Severity, '__init__': lambda self: None, 'log': lambda *_: None})
        self.module.Logger = type('Logger', (self.module.ILogger,), {})
        self.module.IProgressMonitor = type('IProgressMonitor', (), {})
        self.module.Runtime = lambda logger: _Runtime(self, logger)

    def fails(self, name: str, logger: Any) -> bool:
        if name in self.failures:
            logger.log(Severity.ERROR, self.failures[name])
        return name in self.failures


class _Runtime:
    def __init__(self, owner: FakeTensorRt, logger: Any) -> None:
        self._owner, self._logger = owner, logger

    def deserialize_cuda_engine(self, plan: bytes) -> _Engine | None:
        if self._owner.fails('deserialize_cuda_engine', self._logger):
            return None
        if not plan.startswith(_MAGIC):
            self._logger.log(Severity.ERROR, 'Error Code 1: Serialization (magic tag does not '
                                             'match)')
            return None
        header, _, model = plan[len(_MAGIC):].partition(b'\n')
        choices = json.loads(header)
        primary = self._owner.machine.current('cuCtxGetCurrent')
        major, minor = self._owner.machine.gpus[primary.index][1]
        if choices['target'] != f'sm_{major}{minor}':
            self._logger.log(Severity.ERROR, f'The engine plan file was built for '
                             f'{choices["target"]}, expecting sm_{major}{minor}')
            return None
        return _Engine(self._owner, self._logger, model, choices['batch'])


class _Counted:
    def __init__(self, owner: FakeTensorRt) -> None:
        self.owner = owner
        owner.alive += 1

    def __del__(self) -> None:
        self.owner.alive -= 1


class _Engine(_Counted):
    def __init__(self, owner: FakeTensorRt, logger: Any, model: bytes,
                 batch: list[int] | int) -> None:
        super().__init__(owner)
        self.logger, self._batch = logger, batch
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options)
        self.tensors = {tensor.name: (mode, tensor)
                        for mode, tensors in ((TensorIOMode.INPUT, self.session.get_inputs()),
                                              (TensorIOMode.OUTPUT, self.session.get_outputs()))
                        for tensor in tensors}
        self.most = batch if isinstance(batch, int) else batch[1]
        self.device_memory_size_v2 = SCRATCH * self.most
        self.num_optimization_profiles = 1

    @property
    def num_io_tensors(self) -> int:
        return len(self.tensors)

    def get_tensor_name(self, index: int) -> str:
        return list(self.tensors)[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return self.tensors[name][0]

    def get_tensor_dtype(self, name: str) -> DataType:
        return _TYPES[self.tensors[name][1].type][0]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        _, *rest = self.tensors[name][1].shape
        return (self._batch if isinstance(self._batch, int) else -1, *rest)

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        least, most = self._batch
        rest = self.get_tensor_shape(name)[1:]
        return [(least, *rest), (most, *rest), (most, *rest)]

    def create_execution_context(
            self, strategy: ExecutionContextAllocationStrategy) -> _ExecutionContext | None:
        assert strategy is ExecutionContextAllocationStrategy.USER_MANAGED
        if self.owner.fails('create_execution_context', self.logger):
            return None
        return _ExecutionContext(self)

    def is_allowed(self, count: int) -> bool:
        least, most = ((self._batch,) * 2 if isinstance(self._batch, int) else self._batch)
        return least <= count <= most


class _ExecutionContext(_Counted):
    def __init__(self, engine: _Engine) -> None:
        super().__init__(engine.owner)
        self._engine = engine
        self._addresses: dict[str, int] = {}
        self._scratch = 0
        self._count = engine.get_tensor_shape('image')[0]

    def set_device_memory(self, memory: int, size: int) -> None:
        assert size >= self._engine.device_memory_size_v2
        self._scratch = memory

    def set_optimization_profile_async(self, profile: int, stream: int) -> bool:
        failed = self.owner.fails('set_optimization_profile_async', self._engine.logger)
        return not failed and profile == 0

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        if self.owner.fails('set_input_shape', self._engine.logger):
            return False
        self._count = shape[0]
        return self._engine.is_allowed(shape[0]) and (
            tuple(shape[1:]) == self._engine.get_tensor_shape(name)[1:])

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return name in self._engine.tensors

    def execute_async_v3(self, stream: int) -> bool:
        engine, machine = self._engine, self.owner.machine
        if self.owner.fails('execute_async_v3', engine.logger):
            return False
        if set(self._addresses) != set(engine.tensors) or not self._scratch or self._count < 1:
            engine.logger.log(Severity.ERROR, 'IExecutionContext::enqueueV3: not all is set')
            return False
        primary = machine.current('cuCtxGetCurrent')
        count, addresses = self._count, dict(self._addresses)

        def tensor(name: str) -> np.ndarray:
            shape = (count, *engine.get_tensor_shape(name)[1:])
            dtype = np.dtype(_TYPES[engine.tensors[name][1].type][1])
            nbytes = int(np.prod(shape)) * dtype.itemsize
            return machine.view(primary, addresses[name], nbytes).view(dtype).reshape(shape)

        def work() -> None:
            machine.calls['network'] += 1
            machine.view(primary, self._scratch, SCRATCH * count)[:] = count    # it must be ours
            outputs = [name for name in addresses if name != 'image']
            heads = engine.session.run(outputs, {'image': tensor('image')})
            for name, head in zip(outputs, heads, strict=True):
                tensor(name)[...] = head
        machine.enqueue('enqueueV3', stream, work)
        return True


def install(monkeypatch, machine: Machine) -> FakeTensorRt:
    """Put the double in the place of TensorRT."""
    tensorrt = FakeTensorRt(machine)
    monkeypatch.setitem(sys.modules, 'tensorrt', tensorrt.module)
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'tensorrt')
    return tensorrt
