"""What PyTorch does on a GPU, on the processor instead, and its decoder."""

import numpy as np
import pytest

from panoptic_ros.benchmarks.gpu.drawn import draw
from panoptic_ros.benchmarks.gpu.machine import why_not_torch
from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.device import DeviceError
from panoptic_ros.families import deeplab

torch = pytest.importorskip('torch')

pytestmark = pytest.mark.torch


@pytest.fixture
def make(torch_on_host, device):
    from panoptic_ros.benchmarks.gpu.torch_engine import TorchEngine
    return lambda dtype=torch.float32, **keywords: TorchEngine(device, 'mobile', (64, 128), 3,
                                                               dtype, **keywords)


def fetch(device, array):
    values = np.empty(array.shape, array.dtype)
    device.download(array, values)
    device.synchronize()
    return values


def test_it_runs_the_network_on_our_memory(make, device):
    engine = make()
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 128, 3)).astype(np.uint8)
    device.upload(engine.image, images)
    engine.enqueue(2)
    with torch.inference_mode():
        expected = engine._network(torch.from_numpy(images[:2]))
    assert [*engine.outputs] == ['semantic', 'center', 'offset']
    for array, values in zip(engine.outputs.values(), expected, strict=True):
        found = fetch(device, array)
        np.testing.assert_allclose(found[:2], values.numpy(), atol=1e-4, rtol=1e-4)
        assert (found[2].view(np.uint8) == 0xA5).all()      # nobody wrote the third


def test_it_is_recorded_only_after_it_ran(make, device):
    engine = make()
    with pytest.raises(RuntimeError, match='never run before'), device.capture():
        engine.enqueue(1)
    engine.enqueue(1)
    with device.capture():
        engine.enqueue(1)
    with pytest.raises(ValueError, match='expected 1 to 3'):
        engine.enqueue(4)


def test_algorithms_are_chosen_outside_the_memory_of_the_graph(make, monkeypatch):
    engine, done = make(), []
    run = engine._run
    monkeypatch.setattr(engine, '_run', lambda count, pool: (
        done.append((count, pool)), run(count, pool)))
    monkeypatch.setattr('panoptic_ros.benchmarks.gpu.torch_engine.release_cache',
                        lambda: done.append('released'))
    for count in (2, 2, 1):
        engine.enqueue(count)
    assert done == [(2, None), 'released', (2, 'pool'), (2, 'pool'),
                    (1, None), 'released', (1, 'pool')]


def test_the_context_outlives_the_device(make, device, cuda):
    context = cuda.machine.current('')
    make()
    device.close()
    assert context.alive


def test_stand_ins_take_the_place_of_its_outputs(make, device):
    drawn = draw((64, 128), 5)
    engine = make(stand_ins=drawn.outputs)
    engine.enqueue(3)
    for name, array in engine.outputs.items():
        for image in fetch(device, array):
            np.testing.assert_array_equal(image, drawn.outputs[name][0])


def test_closing_frees_the_memory_and_can_be_repeated(make, cuda):
    held = cuda.machine.held()
    engine = make()
    engine.enqueue(1)
    engine.close()
    engine.close()
    assert cuda.machine.held() == held
    with pytest.raises(RuntimeError, match='is closed'):
        engine.enqueue(1)


def test_lack_of_memory_is_a_device_error(make, monkeypatch):
    def fail(*_):
        raise torch.cuda.OutOfMemoryError('CUDA out of memory')

    engine = make()
    monkeypatch.setattr(engine, '_run', fail)
    with pytest.raises(DeviceError, match='fewer images'):
        engine.enqueue(1)


def test_other_types_are_refused(make):
    with pytest.raises(ValueError, match=r'torch\.float64: expected torch\.float32 or'):
        make(torch.float64)


def test_the_decoder_in_pytorch_equals_the_reference(cityscapes):
    from panoptic_ros.benchmarks import torch_grouping
    heads = make_heads(cityscapes, (128, 256), 20)
    expected = deeplab.decode(heads, cityscapes, method='reference').labels
    for given in (heads, torch_grouping.load(heads)):
        labels = torch_grouping.group(given, cityscapes, device='cpu').numpy()
        assert (labels != expected).mean() < 1e-4


@pytest.mark.skipif(torch.cuda.is_available(), reason='PyTorch sees a GPU')
def test_why_not_torch_says_what_to_install():
    assert 'install a build for CUDA' in why_not_torch()
