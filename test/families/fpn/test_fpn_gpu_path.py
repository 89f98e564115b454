"""From camera pixels to labels with a model of detections, on doubles of GPU and TensorRT."""

from dataclasses import replace

import fake_cuda
import fake_tensorrt
import pytest
import tiny_detections
import tiny_model
from cuda_on_cpu import BUILD, Launcher, Program
from gpu_plans import make_plan
from same_results import assert_same

from panoptic_ros import Segmenter
from panoptic_ros.benchmarks.detections import make_detections
from panoptic_ros.device import DeviceError
from panoptic_ros.families import fpn
from panoptic_ros.families.fpn.kernel_sources import KERNELS

pytestmark = pytest.mark.compile


@pytest.fixture
def cuda(monkeypatch):
    launcher = Launcher(Program(KERNELS / 'kernels.cu', BUILD))
    yield from fake_cuda.install(monkeypatch, kernels=launcher)


@pytest.fixture
def tensorrt(monkeypatch, cuda):
    return fake_tensorrt.install(monkeypatch, cuda.machine)


@pytest.fixture(scope='module')
def onnx(tmp_path_factory):
    return tiny_detections.build(tmp_path_factory.mktemp('fpn') / 'tiny.onnx')


@pytest.fixture
def segmenter(tensorrt, onnx, tmp_path):
    segmenter = Segmenter.open(make_plan(tmp_path / 'tiny.plan', onnx))
    yield segmenter
    segmenter.close()


@pytest.fixture(scope='module')
def on_cpu(onnx):
    return Segmenter.open(onnx, 'cpu')


@pytest.mark.parametrize('size', [(64, 128), (96, 200), (270, 480)])
def test_the_labels_of_detections_are_those_of_the_cpu_path(segmenter, on_cpu, size):
    image = tiny_model.scene(size)
    for _ in range(3):          # enqueued, recorded, launched
        result = segmenter(image)
        assert_same(result, on_cpu(image))
    names = [result.label_space.names[class_id] for class_id in result.segments.class_id]
    assert {'car', 'person', 'road', 'sky'} <= set(names)


def test_a_batch_of_cameras_with_detections(segmenter, on_cpu):
    sizes = [(64, 128), (128, 256), (96, 200), (64, 128), (77, 300)]
    images = [tiny_model.scene(size) for size in sizes]     # more than the engine takes at once
    for _ in range(3):
        for size, image, result in zip(sizes, images, segmenter.segment(images).panoptics,
                                       strict=True):
            assert result.size == size
            if size != (77, 300):       # as OpenCV enlarges it otherwise
                assert_same(result, on_cpu(image))


def test_confidence_of_detections_on_demand(segmenter, on_cpu):
    image = tiny_model.scene((96, 200))
    for confidence in (True, False, True):
        for _ in range(3):
            assert_same(segmenter(image, confidence), on_cpu(image, confidence=confidence))


def test_thresholds_of_detections_change_between_frames(segmenter, onnx):
    image, changed = tiny_model.scene(), Segmenter.open(onnx, 'cpu')
    found = set()
    for options in (segmenter.options, fpn.Options(score_threshold=0.9), segmenter.options,
                    fpn.Options(stuff_area=3000)):
        segmenter.options = changed.options = options
        for _ in range(3):
            result = segmenter(image)
            assert_same(result, changed(image))
            found.add(result.labels.tobytes())
    assert len(found) == 3


def test_detections_out_of_memory_free_the_gpu(tensorrt, cuda, onnx, tmp_path):
    plan = make_plan(tmp_path / 'tiny.plan', onnx)
    segmenter, image = Segmenter.open(plan), tiny_model.scene((128, 256))
    held, before = cuda.machine.held(), cuda.machine.calls['cuMemAlloc']
    segmenter(image)
    needed = cuda.machine.calls['cuMemAlloc'] - before
    segmenter._pipeline.forget_sizes()
    for nth in range(1, needed + 1):
        cuda.machine.fail('cuMemAlloc', 2, nth)
        with pytest.raises(DeviceError, match='out of memory'):
            segmenter(image)
        assert cuda.machine.held() == held
    segmenter.close()
    assert not cuda.machine.left_behind()


def test_detections_in_half_precision(tensorrt, tmp_path, onnx, on_cpu):
    from panoptic_ros.engine.precision import convert
    half = tmp_path / 'half.onnx'
    half.write_bytes(convert(onnx.read_bytes(), 'fp16', None))
    segmenter = Segmenter.open(make_plan(tmp_path / 'half.plan', half))
    image = tiny_model.scene((96, 200))
    for _ in range(3):
        result = segmenter(image)
    assert (result.labels == on_cpu(image).labels).mean() > 0.99
    segmenter.close()


def test_detections_of_the_host(cuda, cityscapes):
    drawn = make_detections(cityscapes, (64, 128), 20, 30)
    padded = replace(drawn, image_size=(50, 128))
    mixed = replace(drawn, semantic=drawn.semantic.astype('f2'),
                    classes=drawn.classes.astype('i4'))
    none = replace(drawn, boxes=drawn.boxes[:0], scores=drawn.scores[:0],
                   classes=drawn.classes[:0], masks=drawn.masks[:0])
    options = fpn.Options(stuff_area=50)
    for each, size in ((drawn, None), (mixed, (50, 90)), (padded, None), (none, None)):
        assert_same(*(fpn.decode(each, cityscapes, size, method, options, confidence=True)
                      for method in ('cuda', 'reference')))
    assert not cuda.machine.left_behind()
