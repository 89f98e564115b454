"""The kernel that makes the network's input, executed on the processor, against OpenCV."""

import subprocess

import cv2
import fake_cuda
import numpy as np
import pytest
from cuda_on_cpu import HEADER, Launcher
from gpu_plans import cubin_for

from panoptic_ros.device import Device
from panoptic_ros.engine.fitting import fit
from panoptic_ros.pipelines.resizing import RESIZING, Resizer
from panoptic_ros.segments.kernel_sources import SHARED

pytestmark = pytest.mark.compile

SIZE = (64, 128)


@pytest.fixture
def device(monkeypatch):
    for _ in fake_cuda.install(monkeypatch, kernels=Launcher()):
        device = Device.open()
        yield device
        device.close()


@pytest.mark.parametrize('sizes', [
    [(64, 128), (128, 256), (270, 480)], [(100, 201)], [(192, 384), (64, 128)],
    [(61, 128), (40, 300), (30, 50)]])
def test_the_network_input_is_that_of_the_cpu_path(device, sizes):
    """Equal where nothing is resized, else within rounding of OpenCV's fixed point."""
    random = np.random.default_rng(3)
    images = [cv2.GaussianBlur(random.integers(0, 256, (*size, 3)).astype(np.uint8), (0, 0), 1)
              for size in sizes]
    network_input = device.empty((len(sizes), *SIZE, 3), np.uint8)
    cameras = [device.put(image) for image in images]
    resizer = Resizer(device, device.load(cubin_for(device.target)), cameras, sizes, network_input)
    resizer.enqueue()
    results = np.empty(network_input.shape, np.uint8)
    device.download(network_input, results)
    device.synchronize()
    for image, size, result in zip(images, sizes, results, strict=True):
        shrinks = size[0] > SIZE[0] and size[1] > SIZE[1]
        difference = np.abs(result.astype(int) - fit(image, SIZE))
        assert difference.max() <= (0 if shrinks or size == SIZE else 1)
        assert difference.mean() < 0.01


def test_the_structure_is_that_of_the_header(tmp_path):
    source, program = tmp_path / 'layout.cpp', tmp_path / 'layout'
    source.write_text(
        f'#include "{HEADER}"\n#include "resizing.cuh"\nint main() {{\n' + ''.join(
            f'std::printf("{name} %zu\\n", offsetof(Resizing, {name}));\n'
            for name in RESIZING.names) + 'std::printf("%zu\\n", sizeof(Resizing));\n}\n')
    subprocess.run(['g++', '-std=c++20', f'-I{SHARED}', '-o', program, source], check=True)
    found = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert found.splitlines() == [*(f'{name} {RESIZING.fields[name][1]}'
                                    for name in RESIZING.names), str(RESIZING.itemsize)]
