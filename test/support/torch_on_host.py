"""PyTorch on the processor in the place of PyTorch on the doubled GPU, over the same memory."""

from __future__ import annotations

import ctypes
from contextlib import nullcontext

import numpy as np
import torch
from fake_cuda_machine import Machine

from panoptic_ros.benchmarks.gpu import machine as gpu_machine
from panoptic_ros.benchmarks.gpu import torch_engine
from panoptic_ros.device import DeviceArray


def share(array: DeviceArray, place: torch.device) -> torch.Tensor:
    memory = (ctypes.c_uint8 * array.nbytes).from_address(array.pointer)
    return torch.from_numpy(np.frombuffer(memory, array.dtype).reshape(array.shape))


def install(monkeypatch, machine: Machine) -> None:
    """
    Let the engine's work wait on the stream as a GPU's does, and run on the processor.

    What torch itself would do on a GPU - its streams, its memory pools - is left out.
    """
    host = torch.device('cpu')
    for name, double in (
            ('share', share), ('_place', lambda gpu: host),
            ('_stream_of', lambda device, place: device.stream_handle),
            ('_pool', lambda place: 'pool'), ('_finish', lambda place: None),
            ('_working', lambda *_: nullcontext())):
        monkeypatch.setattr(torch_engine, name, double)
    monkeypatch.setattr(gpu_machine, 'why_not_torch', lambda: None)
    run = torch_engine.TorchEngine._run

    def enqueue(engine, count, pool):
        machine.enqueue('torch', engine._device.stream_handle,
                        lambda: run(engine, count, pool))

    monkeypatch.setattr(torch_engine.TorchEngine, '_run', enqueue)
