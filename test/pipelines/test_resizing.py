"""The kernel that makes the network's input, executed on the processor, against OpenCV."""

import subprocess

import cv2
import fake_cuda
import numpy as np
import pytest
from cuda_on_cpu import HEADER, Launcher
from examples import examples
from gpu_plans import cubin_for
from hypothesis import given, settings
from hypothesis import strategies as st

from panoptic_ros.device import Device
from panoptic_ros.engine.fitting import fit
from panoptic_ros.pipelines.resizing import RESIZING, Resizer
from panoptic_ros.segments.grid import filled
from panoptic_ros.segments.kernel_sources import SHARED

pytestmark = pytest.mark.compile

SIZE = (64, 128)


@pytest.fixture(scope='module')
def device():
    with pytest.MonkeyPatch.context() as patch:
        for _ in fake_cuda.install(patch, kernels=Launcher()):
            device = Device.open()
            yield device
            device.close()


@pytest.fixture(scope='module')
def kernels(device):
    return device.load(cubin_for(device.target))


def resized(device, kernels, images, input_size, padding):
    """Return the network's input, [N, h, w, 3], as the kernel makes it."""
    network_input = device.empty((len(images), *input_size, 3), np.uint8)
    device.upload(network_input, np.full(network_input.shape, 7, np.uint8))     # of other frames
    cameras = [device.put(image) for image in images]
    resizer = Resizer(device, kernels, cameras, [image.shape[:2] for image in images],
                      network_input, padding)
    resizer.enqueue()
    results = np.empty(network_input.shape, np.uint8)
    device.download(network_input, results)
    device.synchronize()
    resizer.close()
    for array in (network_input, *cameras):
        device.free(array)
    return results


@pytest.mark.parametrize('padding', [(), (104, 116, 124)])
@pytest.mark.parametrize('sizes', [
    [(64, 128), (128, 256), (270, 480)], [(100, 201)], [(192, 384), (64, 128)],
    [(61, 128), (40, 300), (30, 50)], [(64, 100), (50, 128), (128, 128), (100, 256)],
    [(96, 96), (375, 1242), (480, 640), (9, 5), (1, 1), (1, 300), (300, 1)],
    [(65, 128), (64, 129), (129, 255), (63, 127)]])
def test_the_network_input_is_that_of_the_cpu_path(device, kernels, sizes, padding):
    """On every pixel, also where OpenCV computes in fixed point."""
    random = np.random.default_rng(3)
    images = [cv2.GaussianBlur(random.integers(0, 256, (*size, 3)).astype(np.uint8), (0, 0), 1)
              for size in sizes]
    results = resized(device, kernels, images, SIZE, padding)
    for image, size, result in zip(images, sizes, results, strict=True):
        height, width = filled(size, SIZE, 'pad' if padding else 'stretch')
        np.testing.assert_array_equal(result, fit(image, SIZE, padding))
        for beyond in (result[height:], result[:, width:]):
            assert (beyond == np.array(padding or 0, np.uint8)).all()


_SIDES = st.integers(1, 70)


@settings(max_examples=examples(150))
@given(st.lists(st.tuples(_SIDES, _SIDES), min_size=1, max_size=3), st.tuples(_SIDES, _SIDES),
       st.sampled_from([(), (0, 0, 0), (104, 116, 124)]), st.integers(0, 999))
def test_any_size_comes_to_any_network(device, kernels, sizes, input_size, padding, seed):
    random = np.random.default_rng(seed)
    images = [random.integers(0, 256, (*size, 3)).astype(np.uint8) for size in sizes]
    results = resized(device, kernels, images, input_size, padding)
    for image, result in zip(images, results, strict=True):
        np.testing.assert_array_equal(result, fit(image, input_size, padding))


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
