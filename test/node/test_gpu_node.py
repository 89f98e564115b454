"""The node on the GPU path, over DDS, on doubles of CUDA and TensorRT in its own process."""

import sys
from pathlib import Path

import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from faults import FAULTS
from promptness import end
from ros_harness import Process, image_message, pixels_of, start_node
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from panoptic_ros import Segmenter

pytestmark = pytest.mark.ros

TEST = Path(__file__).parents[1]
SCENE = tiny_model.scene((128, 256))
PROGRAM = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
sys.path[:0] = [{support!r}, {test!r}]
import fake_cuda, fake_tensorrt, pytest
from cuda_on_cpu import Launcher
from fake_cuda_machine import KernelError
launcher = Launcher()
def run(*kernel):
    if Path({fault!r}).exists():
        raise KernelError(700)
    launcher(*kernel)
patch = pytest.MonkeyPatch()
doubles = fake_cuda.install(patch, kernels=run)
cuda = next(doubles)
fake_tensorrt.install(patch, cuda.machine)
if {full!r}:
    patch.setattr('shutil.disk_usage', lambda folder: SimpleNamespace(free=100))
def serialize(tensorrt, file, content, options, info, monitor, timing_cache):
    print('building', flush=True)
    monitor.phase_start('Tactics', None, 100)
    for step in range(100000):
        if not Path({fault!r}).exists():
            break
        if not monitor.step_complete('Tactics', step % 50):
            raise monitor.error
        time.sleep(0.01)
    return fake_tensorrt.write_plan(file.path, (1, options.batch), info.target), 'as asked for'
patch.setattr('panoptic_ros.engine.build.serialize', serialize)
from panoptic_ros.pipelines import opening
why_not_gpu = opening.why_not_gpu
patch.setattr(opening, 'why_not_gpu', lambda index: (
    'the GPU is away' if Path({fault!r} + ' away').exists() else why_not_gpu(index)))
from panoptic_ros.node.process import leave, run
code = run({arguments!r})
print('left:', cuda.machine.left_behind(), flush=True)
leave(code)
"""


@pytest.fixture
def plan(tmp_path, tiny_onnx):
    from gpu_plans import make_plan
    return make_plan(tmp_path / 'tiny.plan', tiny_onnx)


def start(domain, model, fault, name, **parameters):
    arguments = ['--ros-args', '-r', f'__node:={name}', '-r', f'image:=/{name}/image',
                 '-p', f'model:={model}']
    for key, value in parameters.items():
        arguments += ['-p', f'{key}:={value}']
    return Process([sys.executable, '-c', PROGRAM.format(
        support=str(TEST / 'support'), test=str(TEST), fault=str(fault),
        full=name == 'full', arguments=arguments)],
        domain)


def test_labels_objects_and_pictures_are_those_of_the_cpu_path(domain, client, plan, tmp_path,
                                                               tiny_onnx):
    expected = Segmenter.open(tiny_onnx, 'cpu')(SCENE)
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    with start(domain, plan, tmp_path / 'fault', 'on_gpu', runtime='onnxruntime') as node:
        node.wait_for_output('waiting for images')
        labels = client.subscribe(Image, '/on_gpu/panoptic')
        objects = client.subscribe(Detection2DArray, '/on_gpu/objects')
        semantic = client.subscribe(Image, '/on_gpu/semantic')
        message = image_message(SCENE, 'bgr8', client.header())
        client.exchange(message, '/on_gpu/image', semantic)
        found = labels.wait(lambda m: m.header == message.header)
        assert (pixels_of(found) == expected.labels).all()
        assert (pixels_of(semantic[-1]) == expected.semantic()).all()
        detections = objects.wait(lambda m: m.header == message.header).detections
        assert [d.id for d in detections] == [str(label) for label in expected.things.label]
        status = client.status(diagnostics, 'engine', 'on_gpu')
        assert status.level == DiagnosticStatus.OK
        about = {v.key: v.value for v in status.values}
        assert about['runtime'].startswith('GPU (')
        assert 'Host GPU): the model is a plan' in about['runtime']
        assert status.hardware_id == 'Host GPU'
        assert about['GPU'] == 'Host GPU'
        assert about['precision']
        memory = client.readings(diagnostics, 'memory', 'on_gpu', 'GPU used [MB]')
        assert 0 <= float(memory['GPU used [MB]']) <= float(memory['GPU total [MB]'])
        latency = client.readings(diagnostics, 'latency', 'on_gpu', 'network p50 [ms]')
        assert {'upload p50 [ms]', 'grouping p50 [ms]', 'download p50 [ms]'} <= set(latency)
        assert 'resize p50 [ms]' not in latency
        assert node.stop() == 0
        assert 'left: []' in node.output


def test_cameras_share_the_engine(domain, client, plan, tmp_path, tiny_onnx):
    on_cpu = Segmenter.open(tiny_onnx, 'cpu')
    scenes = {'front': SCENE, 'rear': tiny_model.scene((96, 200))}
    with start(domain, plan, tmp_path / 'fault', 'shared', cameras='[front, rear]') as node:
        node.wait_for_output('waiting for images on /front/image, /rear/image')
        for name, scene in scenes.items():
            labels = client.subscribe(Image, f'/shared/{name}/panoptic')
            answer = client.exchange(image_message(scene, 'bgr8', client.header()),
                                     f'/{name}/image', labels)
            assert (pixels_of(answer) == on_cpu(scene).labels).all()
        assert node.stop() == 0
        assert 'left: []' in node.output


@pytest.mark.parametrize('ending', ['plan', 'onnx'])
def test_a_lost_context_is_recovered_from(domain, client, plan, tiny_onnx, tmp_path, ending):
    """An ONNX file could run on the processor meanwhile, and nobody would notice."""
    model = plan if ending == 'plan' else tiny_onnx
    fault, row = tmp_path / 'fault', FAULTS['CUDA context that is lost']
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    message = image_message(SCENE, 'bgr8', client.header())
    with start(domain, model, fault, 'recovering', engine_cache=tmp_path / 'cache') as node:
        node.wait_for_output('waiting for images')
        labels = client.subscribe(Image, '/recovering/panoptic')
        client.exchange(message, '/recovering/image', labels)
        away = Path(f'{fault} away')
        away.touch()
        fault.touch()
        client.publisher(Image, '/recovering/image').publish(message)
        node.wait_for_output(row.log)
        client.wait(lambda: row.diagnosed(diagnostics, 'recovering'), row.name)
        node.wait_for_output('cannot configure: .*; next try in 2 s')
        node.wait_for_output('cannot configure: .*; next try in 4 s')
        assert node.output.count('cannot configure') == 2
        line = node.line_count
        away.unlink()
        fault.unlink()
        node.wait_for_output('waiting for images', line)
        labels = client.subscribe(Image, '/recovering/panoptic')
        message = image_message(SCENE, 'bgr8', client.header())
        client.exchange(message, '/recovering/image', labels)
        assert node.stop() == 0
        assert 'left: []' in node.output


def test_after_a_lost_context_the_node_can_be_configured_again(domain, client, plan, tmp_path):
    fault, row = tmp_path / 'fault', FAULTS['CUDA context that is lost, without autostart']
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    with start(domain, plan, fault, 'lost', autostart='false') as node:
        assert client.change_state('/lost', 'configure')
        assert client.change_state('/lost', 'activate')
        labels = client.subscribe(Image, '/lost/panoptic')
        client.exchange(image_message(SCENE, 'bgr8', client.header()), '/lost/image', labels)
        fault.touch()
        client.publisher(Image, '/lost/image').publish(
            image_message(SCENE, 'bgr8', client.header()))
        node.wait_for_output(row.log)
        assert client.state('/lost') == 'unconfigured'
        client.wait(lambda: row.diagnosed(diagnostics, 'lost'), row.name)
        assert not client.change_state('/lost', 'configure'), 'the GPU is still broken'
        fault.unlink()
        assert client.change_state('/lost', 'configure')
        assert client.change_state('/lost', 'activate')
        labels = client.subscribe(Image, '/lost/panoptic')
        client.exchange(image_message(SCENE, 'bgr8', client.header()), '/lost/image', labels)
        assert node.stop() == 0
        assert 'left: []' in node.output


def test_the_first_start_builds_and_the_next_finds_the_engine(domain, client, tiny_onnx, tmp_path):
    cache, fault = tmp_path / 'cache', tmp_path / 'fault'
    with start(domain, tiny_onnx, fault, 'builder', engine_cache=cache, build_only='true',
               precision='fp32') as node:
        assert node.process.wait(60) == 0
        node.wait_for_output('Building tiny-fp32-sm_89-')
    assert len(list(cache.glob('*.plan'))) == 1
    with start(domain, tiny_onnx, fault, 'built', engine_cache=cache, precision='fp32') as node:
        node.wait_for_output('waiting for images')
        assert 'uilding' not in node.output
        labels = client.subscribe(Image, '/built/panoptic')
        client.exchange(image_message(SCENE, 'bgr8', client.header()), '/built/image', labels)
        assert node.stop() == 0


def test_a_disk_too_full_for_a_plan_is_named(domain, client, tiny_onnx, tmp_path):
    row = FAULTS['disk too full for a plan']
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    cache = tmp_path / 'cache'
    with start(domain, tiny_onnx, tmp_path / 'no fault', 'full', engine_cache=cache) as node:
        node.wait_for_output(row.log)
        client.wait(lambda: row.diagnosed(diagnostics, 'full'), row.name)
        assert node.stop() == 0
        assert 'building' not in node.output
        assert 'left: []' in node.output


def test_a_build_that_fails_fails_a_build_only_start(domain, tmp_path):
    with start(domain, tmp_path / 'absent.onnx', tmp_path / 'fault', 'failing',
               runtime='tensorrt', build_only='true') as node:
        assert node.process.wait(60) == 1
        node.wait_for_output('cannot configure: no .*absent.onnx')


def test_a_signal_ends_a_build_and_nothing_is_written(domain, client, tiny_onnx, tmp_path):
    cache, fault = tmp_path / 'cache', tmp_path / 'fault'
    fault.touch()
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    with start(domain, tiny_onnx, fault, 'interrupted', engine_cache=cache) as node:
        node.wait_for_output('^building')
        client.wait(lambda: 'building the plan: Tactics' in client.status(
            diagnostics, 'engine', 'interrupted').message, 'word of the build')
        end(node)
        node.wait_for_output(FAULTS['Ctrl-C while an engine is built'].log)
    assert not [path for path in cache.iterdir() if path.suffix != '.lock']
    with start(domain, tiny_onnx, fault, 'interrupted', engine_cache=cache,
               build_only='true') as node:
        node.wait_for_output('^building')
        end(node, code=1)


def test_build_only_builds_or_fails(domain, tiny_onnx, tmp_path):
    """Where there is no GPU, too: a fleet must not believe that it is ready."""
    for runtime, code, text in (('auto', 1, 'cannot configure: .*needs PyCUDA'),
                                ('onnxruntime', 2, 'for which nothing is built')):
        with start_node(domain, model=tiny_onnx, remap={'__node': 'unready'}, build_only=True,
                        runtime=runtime, engine_cache=tmp_path / 'cache') as node:
            assert node.process.wait(60) == code
            node.wait_for_output(text)
