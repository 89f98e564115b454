from pathlib import Path

import fake_cuda
import numpy as np
import pytest

from panoptic_ros.device import Device, compile_kernels

KERNELS = """
#include "helper.cuh"
extern "C" __global__ void scale(const float* source, float* target, float factor, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) target[i] = times(source[i], factor) + 1;
}
extern "C" __global__ void shuffle(float* values, int step) {
    __shared__ float shared[256];
    float local[64];
    for (int i = 0; i < 64; i++) local[i] = values[i * step];
    shared[threadIdx.x] = local[step & 63];
    __syncthreads();
    values[threadIdx.x] = shared[255 - threadIdx.x] + local[step * 7 & 63];
}
extern "C" __global__ void keep(float* values, int count, int step) {
    float local[300];
    for (int i = 0; i < 300; i++) local[i * step % 300] = values[i];
    for (int i = 0; i < count; i++) values[i] = local[(i * step + count) % 300];
}
"""
HELPER = '__device__ inline float times(float a, float b) { return a * b; }\n'


@pytest.fixture(scope='session')
def kernel_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('kernels')
    (folder / 'kernels.cu').write_text(KERNELS)
    (folder / 'helper.cuh').write_text(HELPER)
    return folder


@pytest.fixture(scope='session')
def cubin(kernel_folder: Path) -> bytes:
    """The kernels for the double's GPU; who asks for it has the mark ``compile``."""
    try:
        return compile_kernels(kernel_folder, 'sm_89')
    except ImportError as error:
        pytest.skip(str(error))


def run_kernel(name, grid, block, arguments):
    """Do what ``scale`` does, on its arguments."""
    assert name == 'scale'
    source, target, factor, count = (argument.value for argument in arguments)
    assert count <= grid[0] * block[0]
    values = (np.ctypeslib.as_array((np.ctypeslib.ctypes.c_float * count).from_address(address))
              for address in (source, target))
    source, target = values
    target[:] = source * np.float32(factor) + 1


@pytest.fixture
def cuda(monkeypatch):
    """PyCUDA and libcuda, doubled; afterwards nothing may be left on the machine."""
    yield from fake_cuda.install(monkeypatch, kernels=run_kernel)


@pytest.fixture
def device(cuda):
    device = Device.open()
    yield device
    device.close()
