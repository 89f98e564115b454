"""The kernels on the double of a GPU, threads in four orders, against the reference."""

import subprocess

import fake_cuda
import pytest
from cuda_on_cpu import BUILD, FORWARD, HEADER, ORDERS, Launcher, Program
from detection_cases import cases
from detection_decoding import bring, decode_on
from detections_decoder_tests import *  # noqa: F403
from examples import examples
from gpu_plans import cubin_for
from hypothesis import given, settings
from hypothesis import strategies as st
from same_results import assert_same

from panoptic_ros.benchmarks.detections import make_detections
from panoptic_ros.device import Device
from panoptic_ros.families import fpn
from panoptic_ros.families.fpn.cuda import CudaDecoder
from panoptic_ros.families.fpn.detections import MOST
from panoptic_ros.families.fpn.kernel_sources import KERNELS
from panoptic_ros.families.fpn.task import CHOSEN, LINES, TASK, WORD
from panoptic_ros.segments.kernel_sources import SHARED

pytestmark = pytest.mark.compile


@pytest.fixture(scope='module')
def launcher():
    return Launcher(Program(KERNELS / 'kernels.cu', BUILD))


@pytest.fixture(scope='module')
def cuda(launcher):
    with pytest.MonkeyPatch.context() as patch:
        yield from fake_cuda.install(patch, kernels=launcher)


@pytest.fixture(scope='module')
def device(cuda):
    device = Device.open()
    yield device
    device.close()


@pytest.fixture(scope='module')
def kernels(device):
    return device.load(cubin_for(device.target, KERNELS))


@pytest.fixture(scope='module')
def decode(device, kernels, launcher):
    decode = decode_on(device, kernels)

    def in_order(*arguments, order=FORWARD):
        launcher.order = order
        return decode(*arguments)
    return in_order


@settings(max_examples=examples(200))
@given(cases(), st.sampled_from([1, 2, 4]), st.sampled_from(ORDERS), st.booleans())
def test_the_kernels_equal_the_reference(decode, case, warps, order, confidence):
    detections, label_space, size, options = case
    result, = decode([detections], label_space, [size], options, warps, confidence, order=order)
    assert_same(result, fpn.decode(detections, label_space, size, 'reference', options,
                                   confidence))


@pytest.mark.parametrize('order', ORDERS)
def test_the_order_of_the_threads_does_not_matter(decode, cityscapes, order):
    detections, options = make_detections(cityscapes, (128, 256), 30, 40), fpn.Options()
    result, = decode([detections], cityscapes, [(150, 250)], options, 8, True, order=order)
    assert_same(result, fpn.decode(detections, cityscapes, (150, 250), 'reference', options,
                                   confidence=True))


def test_options_change_between_frames(device, kernels, cityscapes):
    detections = make_detections(cityscapes, (64, 128), 20, 30)
    work = CudaDecoder(device, kernels, bring(device, [detections]), cityscapes, [(64, 128)],
                       fpn.Options())
    found = set()
    for options in (fpn.Options(), fpn.Options(stuff_area=100), fpn.Options(0.9),
                    fpn.Options(overlap_threshold=0)):
        assert work.serves(options)
        work.change_options(options)
        work.enqueue()
        work.enqueue_download()
        device.synchronize()
        assert_same(work.result(0), fpn.decode(detections, cityscapes, method='reference',
                                               options=options))
        found.add(work.result(0).labels.tobytes())
    assert len(found) == 4
    assert work.nbytes > 0
    work.close()


def test_the_structures_of_detections_are_those_of_the_header(tmp_path):
    """Sizes and offsets of the fields as g++ lays them out, which is as nvcc does."""
    kinds = {'Task': TASK, 'Chosen': CHOSEN}
    lines = [f'std::printf("{kind}.{name} %zu\\n", offsetof({kind}, {name}));'
             for kind, dtype in kinds.items() for name in dtype.names]
    lines += [f'std::printf("{kind} %zu\\n", sizeof({kind}));' for kind in kinds]
    lines += ['std::printf("%d %d %d\\n", MOST_DETECTIONS, WORD, LINES);']
    source, program = tmp_path / 'layout.cpp', tmp_path / 'layout'
    source.write_text(f'#include "{HEADER}"\n#include "task.cuh"\nint main() {{\n'
                      + '\n'.join(lines) + '\n}\n')
    subprocess.run(['g++', '-std=c++20', f'-I{KERNELS}', f'-I{SHARED}', '-o', program, source],
                   check=True)
    found = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert found.splitlines() == [
        *(f'{kind}.{name} {dtype.fields[name][1]}' for kind, dtype in kinds.items()
          for name in dtype.names),
        *(f'{kind} {dtype.itemsize}' for kind, dtype in kinds.items()), f'{MOST} {WORD} {LINES}']
