"""The kernels on the double of a GPU, threads in four orders, against the reference."""

import subprocess

import fake_cuda
import numpy as np
import pytest
from cuda_on_cpu import FORWARD, HEADER, ORDERS, Launcher
from decoder_tests import *  # noqa: F403
from device_decoding import bring, decode_on
from examples import examples
from gpu_plans import cubin_for
from grouping_cases import cases, make_label_space
from hypothesis import given, settings
from hypothesis import strategies as st
from same_results import assert_same

from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.device import Device
from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.cuda import CudaDecoder
from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.families.deeplab.kernel_sources import KERNELS
from panoptic_ros.families.deeplab.task import TASK
from panoptic_ros.segments.canvas import CANVAS, TALLY
from panoptic_ros.segments.kernel_sources import SHARED

pytestmark = pytest.mark.compile


@pytest.fixture(scope='module')
def launcher():
    return Launcher()


@pytest.fixture(scope='module')
def device(launcher):
    with pytest.MonkeyPatch.context() as patch:
        for _ in fake_cuda.install(patch, kernels=launcher):
            device = Device.open()
            yield device
            device.close()


@pytest.fixture(scope='module')
def kernels(device):
    return device.load(cubin_for(device.target))


@pytest.fixture(scope='module')
def decode(device, kernels, launcher):
    decode = decode_on(device, kernels)

    def in_order(*arguments, order=FORWARD):
        launcher.order = order
        return decode(*arguments)
    return in_order


@settings(max_examples=examples(200))
@given(cases(), st.sampled_from([1, 2, 8]), st.sampled_from(ORDERS), st.booleans())
def test_the_kernels_equal_the_reference(decode, case, warps, order, confidence):
    heads, label_space, size, options = case
    result, = decode([heads], label_space, [size], options, warps, confidence, order=order)
    assert_same(result, deeplab.decode(heads, label_space, size, 'reference', options,
                                       confidence))


@pytest.mark.parametrize('order', ORDERS)
def test_the_order_of_the_threads_does_not_matter(decode, cityscapes, order):
    heads, size = make_heads(cityscapes, (128, 256), 60), (150, 250)
    options = deeplab.Options(top_k=30)         # fewer than there are
    result, = decode([heads], cityscapes, [size], options, order=order)
    assert_same(result, deeplab.decode(heads, cityscapes, size, 'reference', options,
                                       confidence=True))


@pytest.mark.parametrize('order', ORDERS)
@pytest.mark.parametrize('dtype', [np.float32, np.float16])
@pytest.mark.parametrize('align_corners', [False, True])
def test_peaks_at_the_border_and_flat_ones(decode, order, dtype, align_corners):
    things = make_label_space([True], 1000)
    random = np.random.default_rng(1)
    center = np.zeros((17, 33))
    for row, column in np.ndindex(3, 4):        # in the corners, along the borders, and inside
        center[8 * row:8 * row + 1 + random.integers(2), 10 * column + (column > 2) * 2:][
            :, :1 + random.integers(3)] = random.uniform(0.2, 1)
    heads = Heads(*(array.astype(dtype) for array in (
        np.ones((1, 17, 33)), center, np.zeros((2, 17, 33)))), 4, align_corners)
    for size in (heads.input_size, (100, 97), (50, 77)):
        options = deeplab.Options(nms_kernel=5)
        result, = decode([heads], things, [size], options, order=order)
        assert_same(result, deeplab.decode(heads, things, size, 'reference', options,
                                           confidence=True))
        assert len(result.things) == 12


def test_options_change_between_frames(device, kernels, cityscapes):
    heads = make_heads(cityscapes, (128, 256), 30)
    work = CudaDecoder(device, kernels, bring(device, [heads]), cityscapes, [(128, 256)],
                       deeplab.Options())
    for options in (deeplab.Options(), deeplab.Options(top_k=3, stuff_area=0, nms_kernel=1),
                    deeplab.Options(center_threshold=0.9)):
        assert work.serves(options)
        work.change_options(options)
        work.enqueue()
        work.enqueue_download()
        device.synchronize()
        assert_same(work.result(0), deeplab.decode(heads, cityscapes, method='reference',
                                                   options=options))
    assert not work.serves(deeplab.Options(top_k=201))
    with pytest.raises(ValueError, match='made for at most 200; make another'):
        work.change_options(deeplab.Options(top_k=201))


def test_the_structures_are_those_of_the_header(tmp_path):
    """Sizes and offsets of the fields as g++ lays them out, which is as nvcc does."""
    kinds = {'Task': TASK, 'Canvas': CANVAS, 'Tally': TALLY}
    lines = [f'std::printf("{kind}.{name} %zu\\n", offsetof({kind}, {name}));'
             for kind, dtype in kinds.items() for name in dtype.names]
    lines += [f'std::printf("{kind} %zu\\n", sizeof({kind}));' for kind in kinds]
    source, program = tmp_path / 'layout.cpp', tmp_path / 'layout'
    source.write_text(f'#include "{HEADER}"\n#include "task.cuh"\nint main() {{\n'
                      + '\n'.join(lines) + '\n}\n')
    subprocess.run(['g++', '-std=c++20', f'-I{KERNELS}', f'-I{SHARED}', '-o', program, source],
                   check=True)
    found = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert found.splitlines() == [
        *(f'{kind}.{name} {dtype.fields[name][1]}' for kind, dtype in kinds.items()
          for name in dtype.names),
        *(f'{kind} {dtype.itemsize}' for kind, dtype in kinds.items())]
