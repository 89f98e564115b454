"""From camera pixels to labels through device, TensorRT and kernels, on doubles of them."""

from dataclasses import replace

import fake_cuda
import fake_tensorrt
import numpy as np
import pytest
import tiny_model
from cuda_on_cpu import Launcher
from gpu_plans import cubin_for, make_plan

from panoptic_ros import Segmenter
from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.device import DeviceError, Graph
from panoptic_ros.engine import ModelError
from panoptic_ros.engine.build import BuildCancelled
from panoptic_ros.engine.plan import cubin_path
from panoptic_ros.engine.tensorrt_engine import TensorRtEngine
from panoptic_ros.families import deeplab
from panoptic_ros.segmenter import Setup

pytestmark = pytest.mark.compile

FRAMES = 10


@pytest.fixture
def cuda(monkeypatch):
    yield from fake_cuda.install(monkeypatch, kernels=Launcher())


@pytest.fixture
def tensorrt(monkeypatch, cuda):
    return fake_tensorrt.install(monkeypatch, cuda.machine)


@pytest.fixture
def plan(tmp_path, tiny_onnx):
    return make_plan(tmp_path / 'tiny.plan', tiny_onnx)


@pytest.fixture
def segmenter(tensorrt, plan):
    segmenter = Segmenter.open(plan)
    yield segmenter
    segmenter.close()


@pytest.fixture(scope='module')
def on_cpu(tiny_onnx):
    return Segmenter.open(tiny_onnx, 'cpu')


def open_on_gpu(onnx, folder, log=lambda line: None, **setup):
    """Open an ONNX file on the GPU; its plan is built in a folder, or found there."""
    return Segmenter.open(onnx, 'gpu', setup=Setup(cache=folder, log=log, **setup))


def assert_same(result, expected):
    np.testing.assert_array_equal(result.labels, expected.labels)
    for column in ('label', 'area', 'box', 'centroid'):
        np.testing.assert_array_equal(getattr(result.segments, column),
                                      getattr(expected.segments, column), column)
    np.testing.assert_allclose(result.segments.score, expected.segments.score, atol=1e-5)


@pytest.mark.parametrize('size', [
    (64, 128), (128, 256), (96, 200), (270, 480), (37, 61), (50, 300), (300, 100)])
def test_the_labels_are_those_of_the_cpu_path(segmenter, on_cpu, size):
    image = tiny_model.scene(size)
    for _ in range(3):          # enqueued, recorded, launched
        assert_same(segmenter(image), on_cpu(image))


def test_frames_differ_and_results_stay(segmenter, on_cpu):
    """Each result is the frame's own, also after later frames have used the same memory."""
    images = [np.roll(tiny_model.scene((128, 256)), 8 * shift, axis=1) for shift in range(6)]
    results = [segmenter(image) for image in images]
    for image, result in zip(images, results, strict=True):
        assert_same(result, on_cpu(image))


def test_a_batch_of_cameras(segmenter, on_cpu):
    sizes = [(64, 128), (128, 256), (96, 200), (90, 140), (64, 128), (77, 300)]
    images = [tiny_model.scene(size) for size in sizes]     # more than the engine takes at once
    for _ in range(3):
        for image, result in zip(images, segmenter.segment(images).panoptics, strict=True):
            assert_same(result, on_cpu(image))


@pytest.mark.parametrize('options', [deeplab.Options(), deeplab.Options(stuff_area=0, top_k=5)])
def test_padded_images_of_several_sizes_together(tensorrt, tmp_path, options):
    metadata = replace(tiny_model.describe((64, 128)), fit='pad', padding=(104, 116, 124))
    onnx = tiny_model.build(tmp_path / 'padding.onnx', metadata=metadata.to_properties())
    on_cpu = Segmenter.open(onnx, 'cpu')
    segmenter = Segmenter.open(make_plan(tmp_path / 'padding.plan', onnx))
    on_cpu.options = segmenter.options = options
    sizes = [(64, 128), (128, 256), (96, 96), (90, 300), (64, 80), (128, 150)]
    images = [tiny_model.scene(size) for size in sizes]
    for _ in range(3):          # enqueued, recorded, launched
        for image, result in zip(images, segmenter.segment(images, True).panoptics, strict=True):
            expected = on_cpu(image, confidence=True)
            assert result.size == image.shape[:2]
            assert_same(result, expected)
            assert abs(result.confidence.astype(int) - expected.confidence).max() <= 1
    segmenter.close()


def test_confidence_on_demand(segmenter, on_cpu):
    image = tiny_model.scene((96, 200))
    expected = on_cpu(image, confidence=True)
    for confidence in (True, False, True):
        for _ in range(3):
            result = segmenter(image, confidence)
        assert_same(result, expected)
        assert (result.confidence is not None) == confidence
        if confidence:
            assert abs(result.confidence.astype(int) - expected.confidence).max() <= 1


def test_thresholds_change_between_frames(segmenter, on_cpu, tiny_onnx):
    image = tiny_model.scene()
    changed = Segmenter.open(tiny_onnx, 'cpu')
    for options in (segmenter.options, deeplab.Options(stuff_area=10**6), segmenter.options,
                    deeplab.Options(top_k=2, stuff_area=1), deeplab.Options(top_k=300)):
        segmenter.options = changed.options = options
        for _ in range(3):
            assert_same(segmenter(image), changed(image))


def test_the_steady_state_allocates_nothing_and_launches_one_graph(segmenter, cuda):
    image = tiny_model.scene((128, 256))
    for _ in range(3):
        segmenter(image)
    held, before = cuda.machine.held(), cuda.machine.calls.copy()
    for _ in range(FRAMES):
        segmenter(image)
    assert cuda.machine.held() == held
    calls = cuda.machine.calls - before
    done = {name: calls[name] for name in calls if name.startswith('cu')}
    assert done['cuGraphLaunch'] == FRAMES
    assert not {'cuMemAlloc', 'cuMemHostAlloc', 'cuMemFree', 'cuLaunchKernel', 'cuMemcpyHtoDAsync',
                'cuMemcpyDtoHAsync', 'cuStreamBeginCapture'} & set(done), done


def test_cameras_that_come_in_turns_and_together_allocate_nothing(segmenter, cuda, on_cpu):
    images = [tiny_model.scene(size) for size in ((64, 128), (96, 200), (128, 256))]
    combinations = [[0], [1, 0], [0, 1], [2], [0, 1, 2], [2, 0]]
    for _ in range(3):
        for chosen in combinations:
            segmenter.segment([images[n] for n in chosen])
    held, before = cuda.machine.held(), cuda.machine.calls.copy()
    for chosen in combinations * 2:
        results = segmenter.segment([images[n] for n in chosen]).panoptics
        for n, result in zip(chosen, results, strict=True):
            assert_same(result, on_cpu(images[n]))
    assert cuda.machine.held() == held
    assert (cuda.machine.calls - before)['cuGraphLaunch'] == 12
    assert not (cuda.machine.calls - before)['cuLaunchKernel']


def test_the_least_used_sizes_are_forgotten(segmenter, cuda):
    held = []
    segmenter._pipeline._most_bytes = 600_000
    for height in range(40, 80):
        segmenter(tiny_model.scene((height, 100)))
        held.append(cuda.machine.held()['device memory'])
    assert max(held) < 60
    assert abs(held[-1] - held[20]) <= 6


def test_times_name_the_stages(segmenter):
    seconds = segmenter.segment([tiny_model.scene()] * 5).seconds      # in two turns
    assert tuple(seconds) == segmenter.stages == ('upload', 'network', 'grouping', 'download')
    assert all(each > 0 for each in seconds.values())


def test_an_image_that_changes_its_size_leaks_nothing(segmenter, cuda):
    sizes = [(64, 128), (128, 256), (37, 61)]
    held = []
    for _ in range(4):
        for size in sizes:
            for _ in range(3):
                segmenter(tiny_model.scene(size))
        held.append(cuda.machine.held())
    assert all(h == held[0] for h in held)


def test_graphs_are_closed_before_the_engine_that_they_recorded(tensorrt, plan, monkeypatch):
    closed = []
    for kind in (Graph, TensorRtEngine):
        def close(self, kind=kind, close=kind.close):
            closed.append(kind)
            close(self)
        monkeypatch.setattr(kind, 'close', close)
    segmenter = Segmenter.open(plan)
    for _ in range(2):
        segmenter(tiny_model.scene((96, 200)))
    segmenter.close()
    assert closed[:2] == [Graph, TensorRtEngine]


def test_grouping_of_heads_on_the_host(cuda, cityscapes):
    heads = make_heads(cityscapes, (128, 256), 20)
    results = [deeplab.decode(heads, cityscapes, (130, 250), method, confidence=True)
               for method in ('cuda', 'cpu')]
    assert_same(*results)
    assert abs(results[0].confidence.astype(int) - results[1].confidence).max() <= 1
    assert not cuda.machine.left_behind()


def test_half_precision_heads(tensorrt, tmp_path, tiny_onnx, on_cpu):
    from panoptic_ros.engine.precision import convert
    half = tmp_path / 'half.onnx'
    half.write_bytes(convert(tiny_onnx.read_bytes(), 'fp16', None))
    segmenter = Segmenter.open(make_plan(tmp_path / 'half.plan', half))
    image = tiny_model.scene((96, 200))
    for _ in range(3):
        result = segmenter(image)
    assert (result.labels == on_cpu(image).labels).mean() > 0.999
    segmenter.close()


def test_out_of_memory_frees_the_gpu(tensorrt, cuda, plan):
    """Wherever memory runs out, the error says how much was asked, and nothing stays."""
    Segmenter.open(plan).close()
    needed = cuda.machine.calls['cuMemAlloc']
    for nth in range(1, needed + 1):
        cuda.machine.fail('cuMemAlloc', 2, nth)
        with pytest.raises(DeviceError, match=r'MiB .* free.*nvidia-smi'):
            Segmenter.open(plan)
        assert not cuda.machine.left_behind()


def test_the_first_frame_may_run_out_of_memory(tensorrt, cuda, plan, on_cpu):
    segmenter = Segmenter.open(plan)
    image = tiny_model.scene((128, 256))
    held = cuda.machine.held()
    for name in ('cuMemAlloc', 'cuMemAlloc', 'cuMemAlloc', 'cuMemHostAlloc'):    # nothing to free
        cuda.machine.fail(name, 2, nth=1 + cuda.machine.calls['cuMemAlloc'] % 3)
        with pytest.raises(DeviceError, match='out of memory'):
            segmenter(image)
        assert cuda.machine.held() == held
    assert_same(segmenter(image), on_cpu(image))        # there is memory again
    segmenter.close()


def test_memory_of_other_sizes_is_given_up_when_it_runs_out(segmenter, cuda, on_cpu):
    images = [tiny_model.scene(size) for size in ((96, 200), (128, 256))]
    segmenter(images[0])
    cuda.machine.fail('cuMemAlloc', 2)
    for image in (images[1], images[0]):
        assert_same(segmenter(image), on_cpu(image))


@pytest.mark.parametrize('frames', [0, 1, 2, 5])
def test_after_a_sticky_error_the_gpu_can_be_opened_again(tensorrt, cuda, plan, on_cpu, frames):
    image = tiny_model.scene((128, 256))
    segmenter = Segmenter.open(plan)
    for _ in range(frames):
        segmenter(image)
    cuda.machine.fail('kernel', 700)
    with pytest.raises(DeviceError, match='illegal memory access') as caught:
        segmenter(image)
    assert caught.value.sticky
    with pytest.raises(DeviceError):
        segmenter(image)
    segmenter.close()
    again = Segmenter.open(plan)
    assert_same(again(image), on_cpu(image))
    again.close()


def test_a_network_that_cannot_be_recorded_runs_without_a_graph(segmenter, cuda, on_cpu,
                                                                monkeypatch, caplog):
    image = tiny_model.scene()
    segmenter(image)

    def refuse(*_):
        raise DeviceError('recording a graph: operation not permitted')

    monkeypatch.setattr('panoptic_ros.device.gpu.capture', refuse)
    before = cuda.machine.calls.copy()
    for _ in range(4):
        assert_same(segmenter(image), on_cpu(image))
    assert 'no CUDA graph' in caplog.text
    assert len(caplog.records) == 1
    assert (cuda.machine.calls - before)['cuGraphLaunch'] == 0


def test_no_gpu(tensorrt, cuda, plan):
    cuda.machine.gpus = ()
    with pytest.raises(DeviceError, match='nvidia-smi'):
        Segmenter.open(plan)


def test_a_plan_for_another_gpu(tensorrt, tmp_path, tiny_onnx):
    foreign = make_plan(tmp_path / 'foreign.plan', tiny_onnx, target='sm_120')
    with pytest.raises(ModelError, match=r'sm_120.*build it again'):
        Segmenter.open(foreign)


def test_kernels_for_another_gpu(tensorrt, tmp_path, tiny_onnx):
    foreign = make_plan(tmp_path / 'foreign.plan', tiny_onnx, cubin=cubin_for('sm_75'))
    with pytest.raises(DeviceError, match='build the plan again'):
        Segmenter.open(foreign)


def test_kernels_of_another_version(tensorrt, cuda, tmp_path, tiny_onnx, monkeypatch):
    """They would take what this version writes for something else."""
    with monkeypatch.context() as earlier:
        earlier.setattr('gpu_plans.kernels_sha256', lambda _: 'cd' * 32)
        former = make_plan(tmp_path / 'former.plan', tiny_onnx)
    with pytest.raises(ModelError, match=r'kernels of another version.*build it again'):
        Segmenter.open(former)
    assert not cuda.machine.left_behind()


def test_a_plan_without_its_kernels(tensorrt, plan):
    cubin_path(plan).unlink()
    with pytest.raises(ModelError, match=r'tiny\.cubin'):
        Segmenter.open(plan)


class Builds:
    """In the place of TensorRT's builder; test/engine runs the real one."""

    def __init__(self, monkeypatch, folder):
        self.made = 0
        self._folder = folder
        monkeypatch.setattr('panoptic_ros.engine.build.serialize', self._serialize)

    def _serialize(self, tensorrt, file, content, options, info, monitor, timing_cache):
        self.made += 1
        model = self._folder / f'converted-{self.made}.onnx'
        model.write_bytes(content)
        return fake_tensorrt.write_plan(model, (1, options.batch), info.target), 'as asked for'


def test_an_onnx_model_is_built_once_for_this_gpu(tensorrt, tiny_onnx, tmp_path, monkeypatch,
                                                  on_cpu):
    builds, lines = Builds(monkeypatch, tmp_path), []
    image = tiny_model.scene((96, 200))
    for precision, made in (('fp32', 1), ('fp32', 1), ('fp16', 2), ('fp32', 2)):
        segmenter = open_on_gpu(tiny_onnx, tmp_path / 'cache', lines.append, precision=precision)
        for _ in range(3):
            labels = segmenter(image).labels
        segmenter.close()
        assert (labels == on_cpu(image).labels).mean() > 0.999
        assert builds.made == made
    assert len(lines) == 2
    monkeypatch.setattr(tensorrt.module, '__version__', '10.1.fake')
    open_on_gpu(tiny_onnx, tmp_path / 'cache', lines.append, precision='fp32').close()
    assert builds.made == 3
    assert 'built by TensorRT 10.0.fake, this is TensorRT 10.1.fake' in lines[-1]


def test_a_cached_plan_that_does_not_load_is_built_again(tensorrt, cuda, tiny_onnx, tmp_path,
                                                         monkeypatch, on_cpu):
    builds, lines = Builds(monkeypatch, tmp_path), []
    folder = tmp_path / 'cache'

    def open_it():
        return open_on_gpu(tiny_onnx, folder, lines.append, precision='fp32')

    open_it().close()
    monkeypatch.setattr(fake_tensorrt, '_MAGIC', b'another TensorRT of the same version\n')
    segmenter = open_it()
    assert_same(segmenter(tiny_model.scene()), on_cpu(tiny_model.scene()))
    segmenter.close()
    assert builds.made == 2
    assert 'again: TensorRT' in lines[1]


def test_gpus_of_one_architecture_keep_their_plans(tensorrt, cuda, tiny_onnx, tmp_path,
                                                   monkeypatch):
    builds = Builds(monkeypatch, tmp_path)
    for _ in range(2):
        for name in ('NVIDIA GeForce RTX 4090', 'NVIDIA GeForce RTX 4080'):
            cuda.machine.gpus = ((name, (8, 9)),)
            open_on_gpu(tiny_onnx, tmp_path / 'cache', precision='fp32').close()
    assert builds.made == 2


def test_a_build_that_fails_or_is_cancelled_frees_the_gpu(tensorrt, cuda, tiny_onnx, tmp_path,
                                                          monkeypatch):
    Builds(monkeypatch, tmp_path)
    with pytest.raises(BuildCancelled):
        open_on_gpu(tiny_onnx, tmp_path / 'cache', cancelled=lambda: True)
    assert not list((tmp_path / 'cache').glob('*.plan*'))
    assert not cuda.machine.left_behind()
    with pytest.raises(ValueError, match='calibration'):
        open_on_gpu(tiny_onnx, tmp_path / 'cache', precision='int8')
    assert not cuda.machine.left_behind()
