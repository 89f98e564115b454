"""Camera pixels to labels on the GPU, with TensorRT or else PyTorch; long, often, and broken."""

import subprocess
from pathlib import Path

import effort
import engines
import gpu_machine
import numpy as np
import pytest
from effort import scaled
from gpu_machine import OpenPath, picture

from panoptic_ros.device import Device
from panoptic_ros.engine.fitting import fit
from panoptic_ros.families import deeplab

pytestmark = pytest.mark.gpu

MIB = 1 << 20
HOST_GROWTH = 32        # MiB
TEST = Path(__file__).parents[1]

OUT_OF_BOUNDS = """
import sys
from pathlib import Path
sys.path[:0] = [{test!r}, {support!r}]
import gpu_machine
from device_decoding import decode_on
from panoptic_ros import LabelSpace
from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.device import Device, DeviceError
from panoptic_ros.families import deeplab

folder = Path({folder!r})
space = LabelSpace.load('cityscapes')
heads = make_heads(space, (128, 256), 10)

def decode(device):
    kernels = device.load(gpu_machine.cubin_for(device.target))
    return decode_on(device, kernels)([heads], space, [(128, 256)], deeplab.Options())[0]

def fail(work):
    try:
        work()
    except DeviceError as error:
        print('sticky' if error.sticky else 'not sticky', '|', error)
    else:
        print('no error')

device = Device.open()
before = decode(device)
gpu_machine.write_out_of_bounds(device, folder)
fail(device.synchronize)
fail(lambda: decode(device))
device.close()
device = Device.open()
print('again', (decode(device).labels == before.labels).all())
device.close()
"""

OUT_OF_BOUNDS_IN_A_PIPELINE = """
import sys
from pathlib import Path
sys.path[:0] = [{test!r}, {support!r}]
import gpu_machine
from panoptic_ros.device import DeviceError

folder = Path({folder!r})
image = gpu_machine.picture((96, 200))
path = gpu_machine.OpenPath(folder)
for _ in range(3):
    before, = path.segment(image)
gpu_machine.write_out_of_bounds(path.device, folder)
for _ in range(2):
    try:
        path.segment(image)
    except DeviceError as error:
        print('sticky' if error.sticky else 'not sticky', '|', error)
    else:
        print('no error')
path.close()
path = gpu_machine.OpenPath(folder)
print('again', (path.segment(image)[0].labels == before.labels).all())
path.close()
"""


@pytest.fixture
def path(network_folder):
    path = OpenPath(network_folder)
    yield path
    path.close()


def run_elsewhere(text, folder):
    folder.chmod(0o700)
    program = text.format(test=str(TEST.parent), support=str(TEST / 'support'),
                          folder=str(folder))
    done = subprocess.run([*gpu_machine.PYTHON, '-c', program], capture_output=True, text=True,
                          cwd=TEST.parent, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def host_memory():
    """Return the KiB of this process that are in memory."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith('VmRSS:'):
            return int(line.split()[1])
    raise OSError('/proc/self/status has no VmRSS')


@pytest.mark.parametrize('size', [(64, 128), (128, 256), (96, 200), (270, 480), (37, 61)])
def test_labels_are_those_of_the_reference_on_the_same_heads(path, size):
    image, input_size = picture(size), path.engine.metadata.input_size
    for _ in range(3):          # enqueued, recorded, launched
        result, = path.segment(image)
        heads = path.heads()
        expected = deeplab.decode(heads, path.engine.metadata.label_space, size, 'reference',
                                  path.options)
        np.testing.assert_array_equal(result.labels, expected.labels)
        np.testing.assert_array_equal(result.segments.area, expected.segments.area)
    assert len(result.things)
    resized = fit(image, input_size)
    assert abs(path.fetch(path.engine.image)[0].astype(int) - resized).max() <= 1


def test_the_network_is_executed_on_our_memory(path, tmp_path):
    """Its heads are those that its runtime computes elsewhere."""
    image = picture(path.engine.metadata.input_size)
    path.segment(image)
    if gpu_machine.why_not_tensorrt() is None:
        pytest.importorskip('onnxruntime', reason='pip install onnxruntime')
        tiny_model = pytest.importorskip('tiny_model', reason='pip install onnx')
        onnx = tiny_model.build(tmp_path / 'tiny.onnx', gpu_machine.INPUT_SIZE)
        expected = engines.heads(engines.load(onnx), image[None])[0].semantic
        found = path.heads().semantic
    else:
        import torch
        engine = path.engine
        engine._stand_ins.clear()
        engine.enqueue(1)
        found = path.heads().semantic
        with torch.inference_mode():
            expected = engine._network(torch.from_numpy(image[None]).to(engine._place))[0][0]
        expected = expected.float().cpu().numpy()
    scale = np.abs(expected).max()
    assert np.isfinite(scale)
    assert np.abs(found.astype(np.float32) - expected).max() <= 0.02 * scale


def test_a_batch_of_cameras(path):
    sizes = [(64, 128), (128, 256), (96, 200), (77, 300)]
    images = [picture(size, n) for n, size in enumerate(sizes)]
    alone = [path.segment(image)[0] for image in images]
    for _ in range(3):
        for one, result in zip(alone, path.segment(*images), strict=True):
            assert (one.labels == result.labels).mean() > 0.99


def test_after_a_write_out_of_bounds_the_gpu_can_be_opened_again(tmp_path):
    first, second, again = run_elsewhere(OUT_OF_BOUNDS, tmp_path)
    assert first.startswith('sticky |')
    assert 'close the device and open it again' in first
    assert second.startswith('sticky |')
    assert again == 'again True'


def test_a_pipeline_meets_a_write_out_of_bounds(tmp_path):
    reason = gpu_machine.why_not_tensorrt()
    if reason is not None:      # PyTorch cannot go on in a process whose context was lost
        pytest.skip(reason)
    first, second, again = run_elsewhere(OUT_OF_BOUNDS_IN_A_PIPELINE, tmp_path)
    assert first.startswith('sticky |')
    assert second.startswith('sticky |')
    assert again == 'again True'


def test_ten_thousand_frames_leak_nothing(path, record_property):
    images = [picture(scaled((270, 480)), shift) for shift in (0, 1)]
    first = [path.segment(image)[0].labels for image in images]
    free, resident = [], []
    warm = effort.FRAMES // 20
    for frame in range(effort.FRAMES + 1):
        if frame in (warm, effort.FRAMES):
            free.append(path.device.memory()[0] / MIB)
            resident.append(host_memory() / 1024)
        labels = path.segment(images[frame % 2])[0].labels
        assert frame % 500 or (labels == first[frame % 2]).all()
    for name, values in (('free on the GPU', free), ('resident on the host', resident)):
        text = f'{values[0]:.1f} MiB after {warm} frames, {values[1]:.1f} after {frame}'
        print(f'{name}: {text}')
        record_property(name, text)
    assert free[1] >= free[0] - 1
    assert resident[1] <= resident[0] + HOST_GROWTH


def test_opened_and_closed_often(network_folder, record_property):
    image, free, resident = picture((96, 200)), [], []
    for _ in range(effort.OPENINGS):
        opened = OpenPath(network_folder)
        opened.segment(image)
        opened.close()
        device = Device.open()
        free.append(device.memory()[0] / MIB)
        device.close()
        resident.append(host_memory() / 1024)
    early = effort.OPENINGS // 5
    for name, values in (('free on the GPU', free), ('resident on the host', resident)):
        text = (f'{values[early]:.1f} MiB after {early} openings, {values[-1]:.1f} after '
                f'{effort.OPENINGS}')
        print(f'{name}: {text}')
        record_property(f'{name}, opened and closed', text)
    assert free[-1] >= free[early] - 1
    assert resident[-1] <= resident[early] + HOST_GROWTH
