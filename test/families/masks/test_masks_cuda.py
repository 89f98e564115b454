"""The kernels on the double of a GPU, threads in four orders, against the reference."""

import subprocess

import fake_cuda
import numpy as np
import pytest
from cuda_on_cpu import BUILD, FORWARD, HEADER, ORDERS, Launcher, Program
from examples import examples
from gpu_plans import cubin_for
from hypothesis import given, settings
from hypothesis import strategies as st
from queries_decoder_tests import *  # noqa: F403
from query_cases import cases
from query_decoding import bring, decode_on
from same_results import assert_same

from panoptic_ros.benchmarks.queries import make_queries
from panoptic_ros.device import Device
from panoptic_ros.families import masks
from panoptic_ros.families.masks.cuda import CudaDecoder
from panoptic_ros.families.masks.kernel_sources import KERNELS
from panoptic_ros.families.masks.queries import MOST
from panoptic_ros.families.masks.task import KEPT, TASK, TILE_ROWS
from panoptic_ros.segments.kernel_sources import SHARED
from panoptic_ros.segments.locations import LOCATION

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


@settings(max_examples=examples(300))
@given(cases(), st.sampled_from([1, 2, 4]), st.sampled_from(ORDERS), st.booleans())
def test_the_kernels_equal_the_reference(decode, case, warps, order, confidence):
    queries, label_space, size, options = case
    result, = decode([queries], label_space, [size], options, warps, confidence, order=order)
    assert_same(result, masks.decode(queries, label_space, size, 'reference', options,
                                     confidence))


@pytest.mark.parametrize('order', ORDERS)
@pytest.mark.parametrize('size', [(128, 256), (150, 250)])
def test_the_order_of_the_threads_does_not_matter(decode, cityscapes, order, size):
    queries, options = make_queries(cityscapes, (128, 256), 60), masks.Options()
    result, = decode([queries], cityscapes, [size], options, order=order)
    assert_same(result, masks.decode(queries, cityscapes, size, 'reference', options,
                                     confidence=True))


def test_options_change_between_frames(device, kernels, cityscapes):
    queries = make_queries(cityscapes, (64, 128), 30)
    work = CudaDecoder(device, kernels, bring(device, [queries]), cityscapes, [(64, 128)],
                       masks.Options())
    found = set()
    for options in (masks.Options(), masks.Options(0.99, 0.5, 0.9), masks.Options(1),
                    masks.Options(overlap_threshold=0)):
        assert work.serves(options)
        work.change_options(options)
        work.enqueue()
        work.enqueue_download()
        device.synchronize()
        assert_same(work.result(0), masks.decode(queries, cityscapes, method='reference',
                                                 options=options))
        found.add(work.result(0).labels.tobytes())
    assert len(found) == 4
    assert work.nbytes > 0
    work.close()


def test_the_structures_of_masks_are_those_of_the_header(tmp_path):
    """Sizes and offsets of the fields as g++ lays them out, which is as nvcc does."""
    kinds = {'Task': TASK, 'Kept': KEPT, 'Location': LOCATION}
    lines = [f'std::printf("{kind}.{name} %zu\\n", offsetof({kind}, {name}));'
             for kind, dtype in kinds.items() for name in dtype.names]
    lines += [f'std::printf("{kind} %zu\\n", sizeof({kind}));' for kind in kinds]
    lines += ['std::printf("%d %d\\n", MOST_QUERIES, TILE_ROWS);']
    source, program = tmp_path / 'layout.cpp', tmp_path / 'layout'
    source.write_text(f'#include "{HEADER}"\n#include "tile.cuh"\nint main() {{\n'
                      + '\n'.join(lines) + '\n}\n')
    subprocess.run(['g++', '-std=c++20', f'-I{KERNELS}', f'-I{SHARED}', '-o', program, source],
                   check=True)
    found = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert found.splitlines() == [
        *(f'{kind}.{name} {dtype.fields[name][1]}' for kind, dtype in kinds.items()
          for name in dtype.names),
        *(f'{kind} {dtype.itemsize}' for kind, dtype in kinds.items()), f'{MOST} {TILE_ROWS}']


SIGMOID = """
#include "sigmoid.cuh"
extern "C" __global__ void find_sigmoids(const float* logits, float* found) {
    const int place = blockIdx.x * blockDim.x + threadIdx.x;
    found[place] = sigmoid(logits[place]);
}
"""


def test_the_sigmoid_is_that_of_the_reference(tmp_path):
    from panoptic_ros.families.masks.sigmoid import sigmoid
    source = tmp_path / 'kernels.cu'
    source.write_text(SIGMOID)
    (tmp_path / 'sigmoid.cuh').write_bytes((KERNELS / 'sigmoid.cuh').read_bytes())
    random = np.random.default_rng(0)
    logits = np.concatenate([random.uniform(-90, 90, 1 << 19), random.normal(0, 1e-3, 1 << 19)]
                            ).astype(np.float32)
    found = np.empty_like(logits)
    Program(source, tmp_path).launch('find_sigmoids', (1 << 12,), (256,), [logits, found])
    np.testing.assert_array_equal(found, sigmoid(logits))
