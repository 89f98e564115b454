import sys

import engines
import fake_cuda
import fake_tensorrt
import numpy as np
import onnx
import pytest
import tiny_model
from fake_cuda_machine import GARBAGE, Machine
from onnx import TensorProto, helper

from panoptic_ros import resources
from panoptic_ros.device import Device, DeviceError
from panoptic_ros.engine import ModelError
from panoptic_ros.engine.tensorrt_engine import TensorRtEngine
from panoptic_ros.pipelines.contract import contract
from panoptic_ros.tensors import TensorSpec

ALLOCATIONS = ('cuMemAlloc', 'cuMemHostAlloc', 'cuEventCreate', 'cuGraphInstantiate')
METADATA = tiny_model.describe((64, 128))


@pytest.fixture
def cuda(monkeypatch):
    yield from fake_cuda.install(monkeypatch)


@pytest.fixture
def tensorrt(monkeypatch, cuda):
    """The runtime, doubled; afterwards no engine and no execution context may be left."""
    double = fake_tensorrt.install(monkeypatch, cuda.machine)
    yield double
    assert double.alive == 0


@pytest.fixture
def device(tensorrt):
    device = Device.open()
    yield device
    device.close()


@pytest.fixture
def engine(device, tiny_onnx):
    return open_plan(device, fake_tensorrt.write_plan(tiny_onnx))


def open_plan(device, plan, metadata=METADATA):
    return TensorRtEngine(device, plan, metadata, contract(metadata))


def pictures(count, size=(64, 128)):
    scene = tiny_model.scene(size)
    return np.stack([np.roll(scene, 8 * shift, 1) for shift in range(count)])


def upload(device, engine, images):
    device.upload(engine.image.part(0, len(images)), images)


def heads_of(device, engine, count):
    """Wait, and return the outputs for the first images."""
    device.synchronize()
    found = {}
    for name, array in engine.outputs.items():
        found[name] = np.empty((count, *array.shape[1:]), array.dtype)
        device.download(array.part(0, count), found[name])
    return found


def expected_heads(path, images):
    return engines.load(path, threads=1)(images)


def assert_equal(found, expected):
    assert list(found) == list(expected)
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name], name)


def altered(tiny_onnx, path, alter):
    """Write the network with something changed, and return its plan."""
    model = onnx.load(tiny_onnx)
    alter(model.graph)
    onnx.save(model, path)
    return fake_tensorrt.write_plan(path)


class TestHeads:
    @pytest.mark.parametrize('count', [1, 2, 4])
    def test_are_those_of_onnx_runtime(self, device, engine, tiny_onnx, count):
        images = pictures(count)
        upload(device, engine, images)
        engine.enqueue(count)
        assert_equal(heads_of(device, engine, count), expected_heads(tiny_onnx, images))

    def test_run_when_somebody_waits(self, cuda, device, engine):
        engine.enqueue(1)
        assert not cuda.machine.calls['network']
        device.synchronize()
        assert cuda.machine.calls['network'] == 1

    def test_more_images_than_asked_are_left_alone(self, device, engine):
        upload(device, engine, pictures(4))
        engine.enqueue(2)
        for head in heads_of(device, engine, 4).values():
            assert (head[2:].view(np.uint8) == GARBAGE).all()
            assert (head[:2].view(np.uint8) != GARBAGE).any()

    def test_of_a_fixed_batch(self, device, tiny_onnx):
        engine = open_plan(device, fake_tensorrt.write_plan(tiny_onnx, batch=3))
        assert (engine.batch, engine.image.shape) == (3, (3, 64, 128, 3))
        images = pictures(3)
        upload(device, engine, images)
        engine.enqueue(1)
        assert_equal(heads_of(device, engine, 3), expected_heads(tiny_onnx, images))

    def test_of_a_profile_that_begins_above_one(self, device, tiny_onnx):
        engine = open_plan(device, fake_tensorrt.write_plan(tiny_onnx, (2, 3)))
        images = pictures(2)
        upload(device, engine, images)
        engine.enqueue(1)
        assert_equal(heads_of(device, engine, 2), expected_heads(tiny_onnx, images))

    def test_in_half_precision(self, device, tiny_onnx, tmp_path):
        def halve(graph):
            for output in graph.output:
                for node in graph.node:
                    node.output[:] = [f'{name}_full' if name == output.name else name
                                      for name in node.output]
                graph.node.append(helper.make_node('Cast', [f'{output.name}_full'], [output.name],
                                                   to=TensorProto.FLOAT16))
                output.type.tensor_type.elem_type = TensorProto.FLOAT16
        plan = altered(tiny_onnx, tmp_path / 'half.onnx', halve)
        engine = open_plan(device, plan)
        assert {array.dtype for array in engine.outputs.values()} == {np.dtype(np.float16)}
        images = pictures(2)
        upload(device, engine, images)
        engine.enqueue(2)
        assert_equal(heads_of(device, engine, 2), {
            name: head.astype(np.float16)
            for name, head in expected_heads(tiny_onnx, images).items()})

    def test_of_the_shipped_model(self, device):
        path = resources.share_directory() / 'models/streets.onnx'
        onnx_engine = engines.load(path, threads=1)
        engine = open_plan(device, fake_tensorrt.write_plan(path, (1, 2)), onnx_engine.metadata)
        images = pictures(1, onnx_engine.metadata.input_size)
        upload(device, engine, images)
        engine.enqueue(1)
        assert_equal(heads_of(device, engine, 1), expected_heads(path, images))


class TestGraphs:
    def test_of_several_counts_stay_valid_beside_each_other(self, device, engine, tiny_onnx):
        images = pictures(4)
        graphs = {}
        upload(device, engine, images)
        for count in (1, 3, 4):
            engine.enqueue(count)
            with device.capture() as graph:
                engine.enqueue(count)
            graphs[count] = graph
        for count in (3, 1, 4, 1):
            images = np.roll(images, 1, 0)
            upload(device, engine, images)
            graphs[count].launch()
            assert_equal(heads_of(device, engine, count),
                         expected_heads(tiny_onnx, images[:count]))

    def test_steady_state_allocates_nothing(self, cuda, tensorrt, device, engine, tiny_onnx):
        images = pictures(2)
        host = device.pinned((2, 64, 128, 3), np.uint8)
        engine.enqueue(2)
        with device.capture() as graph:
            device.upload(engine.image.part(0, 2), host)
            engine.enqueue(2)
        calls = {name: cuda.machine.calls[name] for name in ALLOCATIONS}
        free, alive = device.memory(), tensorrt.alive
        for _ in range(50):
            host[:] = images
            graph.launch()
            engine.enqueue(2)
            device.synchronize()
        assert {name: cuda.machine.calls[name] for name in ALLOCATIONS} == calls
        assert (device.memory(), tensorrt.alive) == (free, alive)
        assert_equal(heads_of(device, engine, 2), expected_heads(tiny_onnx, images))

    def test_of_a_count_that_never_ran_is_refused(self, device, engine):
        for count in (4, 2):    # the context of a whole batch is there, but never ran
            with pytest.raises(RuntimeError, match=f'{count} images were never run before'), \
                    device.capture():
                engine.enqueue(count)


class TestContract:
    def rename(self, name):
        def alter(graph):
            for part in (graph.output, graph.input):
                for tensor in part:
                    tensor.name = 'other' if tensor.name == name else tensor.name
            for node in graph.node:
                for names in (node.output, node.input):
                    names[:] = ['other' if n == name else n for n in names]
        return alter

    def test_tells_what_it_is(self, device, engine):
        assert engine.batch == 4
        assert engine.metadata is METADATA
        assert engine.description == 'TensorRT 10.0.fake, Host GPU'
        assert (engine.image.shape, engine.image.dtype) == ((4, 64, 128, 3), np.uint8)
        assert {name: a.shape for name, a in engine.outputs.items()} == {
            'semantic': (4, 19, 16, 32), 'center': (4, 1, 16, 32), 'offset': (4, 2, 16, 32)}
        assert engine.outputs['semantic'].dtype == np.float32

    @pytest.mark.parametrize('name', ['semantic', 'center', 'offset'])
    def test_absent_output(self, device, tiny_onnx, tmp_path, name):
        plan = altered(tiny_onnx, tmp_path / 'm.onnx', self.rename(name))
        with pytest.raises(ModelError, match=rf"the plan's output {name} is absent: .*float32 or "
                                             r'float16 \(N, .*build_engine'):
            open_plan(device, plan)

    def test_absent_input(self, device, tiny_onnx, tmp_path):
        plan = altered(tiny_onnx, tmp_path / 'm.onnx', self.rename('image'))
        with pytest.raises(ModelError, match='no input image'):
            open_plan(device, plan)

    def test_other_size_than_the_sidecar_says(self, device, tiny_onnx):
        with pytest.raises(ModelError, match=(
                r'input image is .*\(-1, 64, 128, 3\): .*asks for uint8 \(N, 128, 128, 3\)')):
            open_plan(device, fake_tensorrt.write_plan(tiny_onnx),
                      tiny_model.describe((128, 128)))

    def test_wrong_types(self, device, tiny_onnx, tmp_path):
        def convert(names, kind):
            def alter(graph):
                for output in graph.output:
                    if output.name in names:
                        for node in graph.node:
                            node.output[:] = [f'{n}_full' if n == output.name else n
                                              for n in node.output]
                        graph.node.append(helper.make_node(
                            'Cast', [f'{output.name}_full'], [output.name], to=kind))
                        output.type.tensor_type.elem_type = kind
            return alter
        plan = altered(tiny_onnx, tmp_path / 'i.onnx', convert(['center'], TensorProto.INT32))
        with pytest.raises(ModelError, match=r'output center is DataType\.INT32'):
            open_plan(device, plan)
        plan = altered(tiny_onnx, tmp_path / 'h.onnx', convert(['center'], TensorProto.FLOAT16))
        with pytest.raises(ModelError,
                           match=r'in the plan .*center float16.*one type for all.*build it'):
            open_plan(device, plan)
        plan = altered(tiny_onnx, tmp_path / 'i.onnx', convert(['center'], TensorProto.INT32))
        outputs = {**contract(METADATA), 'center': TensorSpec((1, 16, 32), ('int32',))}
        engine = TensorRtEngine(device, plan, METADATA, outputs)    # each of its own kind
        assert engine.outputs['center'].dtype == np.int32

    @pytest.mark.parametrize('count', [0, -1, 5])
    def test_count_out_of_range(self, engine, count):
        with pytest.raises(ValueError, match=f'{count} images: expected 1 to 4'):
            engine.enqueue(count)


def test_the_context_outlives_the_device(engine, device, cuda):
    context = cuda.machine.current('')
    device.close()
    assert context.alive        # TensorRT's part of the CUDA runtime is in it


class TestFailures:
    def make(self, device, tiny_onnx, **choices):
        return open_plan(device, fake_tensorrt.write_plan(tiny_onnx, **choices))

    def test_plan_for_another_gpu(self, device, tiny_onnx):
        with pytest.raises(ModelError, match=(
                r'TensorRT 10\.0\.fake cannot load the plan on Host GPU: .*built for sm_75, '
                r'expecting sm_89: build it again on this machine with `ros2 run')):
            self.make(device, tiny_onnx, target='sm_75')

    def test_no_plan_at_all(self, device):
        with pytest.raises(ModelError, match=r'magic tag does not match\): build it again'):
            open_plan(device, b'rubbish')

    @pytest.mark.parametrize('call', ['deserialize_cuda_engine', 'create_execution_context'])
    def test_tensorrt_out_of_memory(self, tensorrt, device, tiny_onnx, call):
        tensorrt.failures[call] = 'Error Code 2: OutOfMemory (Requested size was 9 bytes.): out ' \
                                  'of memory'
        with pytest.raises(DeviceError, match=(
                r'Error Code 2.* \(102\d of 1024 MiB are free\): end other programs')):
            self.make(device, tiny_onnx)
        assert device.memory()[0] == device.memory()[1]
        tensorrt.failures.clear()
        self.make(device, tiny_onnx)

    def test_no_memory_for_the_tensors(self, monkeypatch, tiny_onnx):
        machine = Machine(memory=280_000)
        for cuda in fake_cuda.install(monkeypatch, machine):
            fake_tensorrt.install(monkeypatch, cuda.machine)
            device = Device.open()
            with pytest.raises(DeviceError, match=r'allocating .*GPU memory.*out of memory'):
                self.make(device, tiny_onnx)
            assert device.memory()[0] == 280_000
            self.make(device, tiny_onnx, batch=(1, 2))
            device.close()

    @pytest.mark.parametrize('call', ['set_optimization_profile_async', 'set_input_shape'])
    def test_context_that_cannot_be_set_up(self, tensorrt, device, tiny_onnx, call):
        tensorrt.failures[call] = 'the profile is taken'
        with pytest.raises(DeviceError, match='set up for 4 images: the profile is taken'):
            self.make(device, tiny_onnx)

    def test_run_that_fails(self, tensorrt, device, engine):
        tensorrt.failures['execute_async_v3'] = 'Error Code 1: Myelin (no such tactic)'
        with pytest.raises(DeviceError, match=r'cannot run the network: .*no such tactic'
                           ) as raised:
            engine.enqueue(1)
        assert not raised.value.sticky
        tensorrt.failures.clear()
        engine.enqueue(1)
        tensorrt.failures['execute_async_v3'] = 'Error Code 1: not capturable'
        with pytest.raises(DeviceError, match='not capturable'), device.capture():
            engine.enqueue(1)

    def test_lost_context_and_a_new_one(self, cuda, tensorrt, device, engine, tiny_onnx):
        engine.enqueue(2)
        cuda.machine.stack[-1].sticky = 700
        tensorrt.failures['execute_async_v3'] = 'Error Code 1: Cuda Runtime (an illegal memory ' \
                                                'access was encountered)'
        with pytest.raises(DeviceError, match=r'illegal memory access .*open it again') as raised:
            engine.enqueue(2)
        assert raised.value.sticky
        device.close()
        assert tensorrt.alive == 0
        tensorrt.failures.clear()
        again = Device.open()
        engine = self.make(again, tiny_onnx)
        images = pictures(2)
        upload(again, engine, images)
        engine.enqueue(2)
        assert_equal(heads_of(again, engine, 2), expected_heads(tiny_onnx, images))
        again.close()

    def test_closing(self, cuda, tensorrt, device, engine):
        engine.enqueue(1)
        engine.close()
        assert tensorrt.alive == 0
        assert device.memory()[0] == device.memory()[1]
        engine.close()
        with pytest.raises(DeviceError, match='is closed: load the plan again'):
            engine.enqueue(1)

    def test_without_tensorrt(self, monkeypatch, device, tiny_onnx):
        monkeypatch.setitem(sys.modules, 'tensorrt', None)
        with pytest.raises(ImportError, match='pip install tensorrt'):
            self.make(device, tiny_onnx)
