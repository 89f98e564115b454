"""The kernels, executed on the processor, against the reference: every pixel, every column."""

import subprocess
from pathlib import Path

import device_grouping
import numpy as np
import pytest
from cuda_on_cpu import FORWARD, HEADER, ORDERS
from device_grouping import bring
from grouping_cases import cases, make_label_space
from host_device import HostDevice
from hypothesis import given, settings
from hypothesis import strategies as st
from same_results import assert_same

from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.cuda import CudaDecoder
from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.families.deeplab.kernel_sources import KERNELS
from panoptic_ros.families.deeplab.task import TASK
from panoptic_ros.labels import LabelSpace
from panoptic_ros.segments.canvas import CANVAS, TALLY
from panoptic_ros.segments.kernel_sources import SHARED

BUILD = Path(__file__).parents[2] / 'build' / 'kernels'


def group_batch(batch, label_space, sizes, options, warps=8, order=FORWARD, confidence=True):
    """Group heads of one shape by the kernels on the processor; return a result for each."""
    device = HostDevice(BUILD, order)
    return device_grouping.group_batch(device, device.load(KERNELS / 'kernels.cu'), batch,
                                       label_space, sizes, options, warps, confidence)


@settings(deadline=None, max_examples=200)
@given(cases(), st.sampled_from([1, 2, 8]), st.sampled_from(ORDERS), st.booleans())
def test_the_kernels_equal_the_reference(case, warps, order, confidence):
    heads, label_space, size, options = case
    result, = group_batch([heads], label_space, [size], options, warps, order, confidence)
    assert_same(result, deeplab.decode(heads, label_space, size, 'reference', options,
                                       confidence))


@pytest.mark.parametrize('order', ORDERS)
def test_the_order_of_the_threads_does_not_matter(cityscapes, order):
    heads = make_heads(cityscapes, (256, 512), 100)
    options = deeplab.Options(top_k=30)         # fewer than there are
    result, = group_batch([heads], cityscapes, [(300, 500)], options, order=order)
    assert_same(result, deeplab.decode(heads, cityscapes, (300, 500), 'reference', options,
                                       confidence=True))


def test_the_least_area_of_stuff_is_enough(cityscapes):
    heads = make_heads(cityscapes, (64, 128), 3)
    stuff = deeplab.decode(heads, cityscapes, options=deeplab.Options(stuff_area=0)).stuff
    for area, label in zip(stuff.area, stuff.label, strict=True):
        for least, kept in ((area, True), (area + 1, False)):
            result, = group_batch([heads], cityscapes, [(64, 128)],
                                  deeplab.Options(stuff_area=int(least)))
            assert (label in result.segments.label) == kept


@pytest.mark.parametrize('instances', [0, 30, 200])
@pytest.mark.parametrize('size', [(128, 256), (257, 513), (375, 1242), (100, 200)])
def test_realistic_heads(cityscapes, instances, size):
    heads = make_heads(cityscapes, (256, 512), instances, seed=instances)
    options = deeplab.Options(stuff_area=100)
    result, = group_batch([heads], cityscapes, [size], options)
    assert_same(result, deeplab.decode(heads, cityscapes, size, 'reference', options,
                                       confidence=True))
    if size == (257, 513):
        assert len(result.things) >= instances // 4


@pytest.mark.parametrize('size', [(128, 256), (300, 700)])
def test_more_classes_than_a_warp_has_lanes(size):
    coco = LabelSpace.load('coco')
    heads = make_heads(coco, (128, 256), 40)
    options = deeplab.Options(stuff_area=20)
    result, = group_batch([heads], coco, [size], options)
    assert_same(result, deeplab.decode(heads, coco, size, 'reference', options, confidence=True))
    assert result.segments.class_id.max() >= 96


def test_half_precision_heads(cityscapes):
    full = make_heads(cityscapes, (256, 512), 40)
    heads = Heads(*(a.astype(np.float16) for a in (full.semantic, full.center, full.offset)))
    result, = group_batch([heads], cityscapes, [(256, 512)], deeplab.Options())
    assert_same(result, deeplab.decode(heads, cityscapes, method='reference', confidence=True))


@pytest.mark.parametrize('warps', [1, 3, 8])
def test_blocks_of_any_size(cityscapes, warps):
    heads = make_heads(cityscapes, (256, 512), 150)
    for options in (deeplab.Options(), deeplab.Options(top_k=40)):
        result, = group_batch([heads], cityscapes, [(333, 512)], options, warps)
        assert_same(result, deeplab.decode(heads, cityscapes, (333, 512), 'reference', options,
                                           confidence=True))


def test_a_batch_of_cameras_of_several_sizes(cityscapes):
    sizes = [(256, 512), (90, 333), (400, 250), (1, 1)]
    batch = [make_heads(cityscapes, (128, 256), 10 * n, seed=n) for n in range(len(sizes))]
    options = deeplab.Options(stuff_area=50)
    results = group_batch(batch, cityscapes, sizes, options)
    for heads, size, result in zip(batch, sizes, results, strict=True):
        assert_same(result, deeplab.decode(heads, cityscapes, size, 'reference', options,
                                           confidence=True))


@pytest.mark.parametrize('top_k', [1, 2, 17, 200, 1000])
def test_more_peaks_than_are_taken(cityscapes, top_k):
    """A heatmap of noise, in steps so that many are equal to the last that is taken."""
    random = np.random.default_rng(top_k)
    heads = make_heads(cityscapes, (256, 512), 20)
    for steps in (10, 1000):
        center = (np.floor(random.random(heads.center.shape) * steps) / steps).astype(np.float32)
        noisy = Heads(heads.semantic, center, heads.offset)
        options = deeplab.Options(top_k=top_k, nms_kernel=3)
        result, = group_batch([noisy], cityscapes, [(256, 512)], options)
        assert_same(result, deeplab.decode(noisy, cityscapes, method='reference', options=options,
                                           confidence=True))


@pytest.mark.parametrize('nms_kernel', [1, 3, 7])
def test_a_plateau_of_every_pixel(cityscapes, nms_kernel):
    heads = make_heads(cityscapes, (64, 128), 5)
    flat = Heads(heads.semantic, np.full_like(heads.center, 0.5), heads.offset)
    options = deeplab.Options(top_k=1000, nms_kernel=nms_kernel)
    result, = group_batch([flat], cityscapes, [(64, 128)], options)
    assert_same(result, deeplab.decode(flat, cityscapes, method='reference', options=options,
                                       confidence=True))
    assert (len(result.things) > 0) == (nms_kernel > 1)


@pytest.mark.parametrize('order', ORDERS)
@pytest.mark.parametrize('dtype', [np.float32, np.float16])
@pytest.mark.parametrize('align_corners', [False, True])
def test_peaks_at_the_border_and_flat_ones(cityscapes, order, dtype, align_corners):
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
        result, = group_batch([heads], things, [size], options, order=order)
        assert_same(result, deeplab.decode(heads, things, size, 'reference', options,
                                           confidence=True))
        assert len(result.things) == 12


def test_options_change_between_frames(cityscapes):
    heads = make_heads(cityscapes, (128, 256), 30)
    device = HostDevice(BUILD)
    on_device = bring(device, [heads])
    work = CudaDecoder(device, device.load(KERNELS / 'kernels.cu'), on_device, cityscapes,
                       [(128, 256)], deeplab.Options())
    for options in (deeplab.Options(), deeplab.Options(top_k=3, stuff_area=0, nms_kernel=1),
                    deeplab.Options(center_threshold=0.9)):
        assert work.serves(options)
        work.change_options(options)
        work.enqueue()
        work.enqueue_download()
        expected = deeplab.decode(heads, cityscapes, method='reference', options=options)
        np.testing.assert_array_equal(work.result(0).labels, expected.labels)
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
