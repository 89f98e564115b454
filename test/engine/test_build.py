"""Real builds, by TensorRT-RTX, which needs no GPU for them."""

import dataclasses
import shutil
import threading

import engines
import onnx
import pytest
import tiny_model

from panoptic_ros.engine import ModelError
from panoptic_ros.engine.build import (
    BuildCancelled,
    BuildError,
    BuildOptions,
    build_engine,
    build_plan,
    kernels_sha256,
)
from panoptic_ros.engine.calibration import CalibrationImages
from panoptic_ros.engine.monitor import Phases
from panoptic_ros.engine.plan import read_cubin, read_plan
from panoptic_ros.resources import share_directory
from panoptic_ros.segments.kernel_sources import SHARED
from panoptic_ros.streets import Drive

STREETS = share_directory() / 'models' / 'streets.onnx'
SIZE = (512, 1024)


@pytest.fixture
def kernels(tmp_path):
    folder = tmp_path / 'kernels'
    folder.mkdir()
    (folder / 'kernels.cu').write_text('#include "task.cuh"')
    (folder / 'task.cuh').write_text('struct Task {};')
    return folder


def changed(path, output, change):
    """Write a changed copy of a model."""
    model = onnx.load(path)
    change(model)
    output.write_bytes(model.SerializeToString())
    return output


@pytest.mark.parametrize('target', ['sm_86', 'sm_89', 'sm_120'])
def test_streets_for_several_gpus(rtx, target):
    built = build_plan(engines.read(STREETS), BuildOptions('fp16', target))
    assert built.info.checked == 'fp16: 75 of 75 convolutions in half precision'
    assert built.info.target == target
    assert built.info.gpu == f'any {target}'
    assert built.info.tensorrt == f'TensorRT-RTX {rtx.__version__}'
    assert built.info.batch == (1, 1, 1)
    assert built.info.metadata('plan').input_size == SIZE
    assert 2e6 < len(built.plan) < 20e6


def test_streets_in_every_precision(rtx):
    drive = Drive(seed=7, size=SIZE)
    images = CalibrationImages.from_images((drive.frame(t)[0] for t in (0.0, 1.0)), SIZE)
    plans = {precision: build_plan(engines.read(STREETS), BuildOptions(precision, 'sm_89'),
                                   images if precision == 'int8' else None)
             for precision in ('fp32', 'fp16', 'int8')}
    assert plans['fp32'].info.checked == 'fp32: 75 of 75 convolutions in single precision'
    assert plans['int8'].info.checked == ('int8: 45 of 75 convolutions quantised, the others in '
                                          'half precision')
    assert len(plans['fp16'].plan) < 0.75 * len(plans['fp32'].plan)
    assert len({plan.info.key for plan in plans.values()}) == 3


@pytest.mark.parametrize(('options', 'batch'), [
    (BuildOptions('fp32', 'sm_89', batch=4), (1, 4, 4)),
    (BuildOptions('fp32', 'sm_89', batch=3, static_batch=True), (3, 3, 3))])
def test_batches_of_a_symbolic_file(rtx, tiny_onnx, options, batch):
    assert build_plan(engines.read(tiny_onnx), options).info.batch == batch


def test_batch_of_a_fixed_file(rtx, tiny_onnx, tmp_path):
    def fix(model):
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = 2

    fixed = changed(tiny_onnx, tmp_path / 'fixed.onnx', fix)
    options = BuildOptions('fp32', 'sm_89', batch=2)
    assert build_plan(engines.read(fixed), options).info.batch == (2, 2, 2)
    with pytest.raises(ModelError, match=r'takes exactly 2 images at once, batch is 1: ask for 2'):
        build_plan(engines.read(fixed), BuildOptions('fp32', 'sm_89'))


def test_every_option_is_taken_and_makes_another_key(rtx, tiny_onnx):
    plain = BuildOptions('fp16', 'sm_89')
    options = [plain, *(dataclasses.replace(plain, **change) for change in (
        {'precision': 'fp32'}, {'target': 'sm_86'}, {'batch': 2}, {'workspace': 64},
        {'optimization_level': 1}))]
    keys = {build_plan(engines.read(tiny_onnx), chosen).info.key for chosen in options}
    assert len(keys) == len(options)


def test_progress_only_grows_and_reaches_the_end(rtx, tiny_onnx):
    told = []
    build_plan(engines.read(tiny_onnx), BuildOptions('fp32', 'sm_89'),
               progress=lambda phase, share: told.append((phase, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < 0.5
    assert shares[-1] == 1
    assert len({phase for phase, _ in told}) > 3


def test_phases_within_phases():
    phases = Phases()
    assert phases.start('build', 4) == 0
    assert phases.start('graph', 2) == 0
    assert phases.step('graph', 0) == 1 / 8
    assert phases.step('graph', 1) == 1 / 4
    assert phases.finish('graph') == 1 / 4
    assert phases.step('build', 0) == 1 / 4
    assert phases.start('empty', 0) == 1 / 4
    assert phases.step('build', 2) == 3 / 4
    assert phases.step('build', 1) == 3 / 4, 'never back'
    assert phases.finish('build') == 1


@pytest.mark.parametrize('after', [0, 1, 25])
def test_a_cancelled_build_leaves_nothing(rtx, kernels, tmp_path, after):
    polls = []

    def cancelled():
        polls.append(None)
        return len(polls) > after

    output = tmp_path / 'out' / 'streets.plan'
    with pytest.raises(BuildCancelled, match='nothing was written'):
        build_engine(engines.read(STREETS), output, BuildOptions('fp16', 'sm_89'), kernels=kernels,
                     cancelled=cancelled, compile=lambda folder, target: b'cubin')
    assert len(polls) >= after + 1
    assert not output.parent.exists()


def test_cancelled_while_calibrating(rtx):
    stop = threading.Event()

    def progress(phase, share):
        if phase == 'Calibrating':
            stop.set()

    image = Drive(seed=7, size=SIZE).frame(0.0)[0]
    with pytest.raises(BuildCancelled):
        build_plan(engines.read(STREETS), BuildOptions('int8', 'sm_89'),
                   CalibrationImages((image,) * 3), progress, stop.is_set)


@pytest.mark.parametrize('error', [KeyboardInterrupt, ZeroDivisionError])
def test_exceptions_of_callables_pass_through_tensorrt(rtx, tiny_onnx, error):
    """Also Ctrl-C that nobody handles: the interpreter raises it wherever Python runs."""
    def progress(phase, share):
        if share > 0.3:
            raise error

    with pytest.raises(error):
        build_plan(engines.read(tiny_onnx), BuildOptions('fp32', 'sm_89'), progress=progress)


def test_engine_files(rtx, tiny_onnx, kernels, tmp_path):
    asked = []

    def compile_kernels(folder, target):
        asked.append((folder, target))
        return b'\x7fELF'

    output = tmp_path / 'tiny.plan'
    built = build_engine(engines.read(tiny_onnx), output, BuildOptions('fp16', 'sm_86'),
                         kernels=kernels, compile=compile_kernels)
    assert read_plan(output) == (built.plan, built.info)
    assert read_cubin(output) == b'\x7fELF'
    assert asked == [(kernels, 'sm_86')]
    assert built.info.kernels_sha256 == kernels_sha256(kernels)
    assert built.info.metadata('x') == tiny_model.describe((64, 128))


def test_failed_kernels_leave_nothing(rtx, tiny_onnx, kernels, tmp_path):
    def compile_kernels(folder, target):
        raise RuntimeError('kernels.cu(1): error')

    with pytest.raises(RuntimeError, match=r'kernels\.cu\(1\): error'):
        build_engine(engines.read(tiny_onnx), tmp_path / 'tiny.plan',
                     BuildOptions('fp16', 'sm_86'), kernels=kernels,
                     compile=compile_kernels)
    assert not list(tmp_path.glob('tiny*')) + list(tmp_path.glob('.tiny*'))


def test_other_ending_is_refused_before_building(rtx, kernels, tmp_path, tiny_onnx):
    with pytest.raises(ValueError, match=r'expected a file that ends in \.plan'):
        build_engine(engines.read(tiny_onnx), tmp_path / 'x.engine', BuildOptions(),
                     kernels=kernels)


def test_the_hash_of_the_kernels(kernels, tmp_path, monkeypatch):
    before = kernels_sha256(kernels)
    (kernels / 'notes.md').write_text('no source')
    assert kernels_sha256(kernels) == before
    (kernels / 'task.cuh').write_text('struct Task { int size; };')
    after = kernels_sha256(kernels)
    assert after != before
    shared = tmp_path / 'shared'
    shutil.copytree(SHARED, shared)
    monkeypatch.setattr('panoptic_ros.engine.build.SHARED', shared)
    assert kernels_sha256(kernels) == after
    with (shared / 'warp.cuh').open('a') as file:
        file.write('// another\n')
    assert kernels_sha256(kernels) != after
    with pytest.raises(FileNotFoundError, match=r'no CUDA sources in .*: reinstall'):
        kernels_sha256(tmp_path / 'absent')


def test_unknown_target_lists_those_that_there_are(rtx):
    with pytest.raises(ValueError, match=r'target sm_90: TensorRT-RTX .* builds for sm_75, sm_80, '
                       'sm_86, sm_89, sm_120, sm_121 only'):
        build_plan(engines.read(STREETS), BuildOptions('fp16', 'sm_90'))


def test_this_gpu_is_the_target_where_none_is_named(rtx, tiny_onnx, gpu):
    info = build_plan(engines.read(tiny_onnx), BuildOptions('fp16'), gpu=gpu).info
    assert (info.gpu, info.target) == ('NVIDIA L4', 'sm_89')
    hopper = dataclasses.replace(gpu, name='NVIDIA H200', target='sm_90')
    with pytest.raises(ValueError, match=r'sm_121 only; .* with the package tensorrt'):
        build_plan(engines.read(tiny_onnx), BuildOptions('fp16'), gpu=hopper)
    with pytest.raises(ValueError, match='no target, and no GPU on this machine: name a target'):
        build_plan(engines.read(tiny_onnx), BuildOptions('fp16'))


def test_tensorrt_builds_for_its_own_machine_only(tensorrt, tiny_onnx, gpu):
    info = build_plan(engines.read(tiny_onnx), BuildOptions('fp16', 'sm_89'), gpu=gpu).info
    assert (info.gpu, info.tensorrt) == ('NVIDIA L4', 'TensorRT 10.13.3.9')
    with pytest.raises(ValueError, match=r'its machine only \(sm_89\): build there'):
        build_plan(engines.read(tiny_onnx), BuildOptions('fp16', 'sm_86'), gpu=gpu)
    with pytest.raises(ValueError, match=r'\(there is none\)'):
        build_plan(engines.read(tiny_onnx), BuildOptions('fp16', 'sm_86'))


def test_a_builder_that_does_not_start(tensorrt, tiny_onnx, gpu, monkeypatch):
    def nothing(logger):
        logger.log(tensorrt.ILogger.Severity.ERROR, 'CUDA initialization failure with error: 35')
        raise TypeError('pybind11::init(): factory function returned nullptr')

    monkeypatch.setattr(tensorrt, 'Builder', nothing)
    with pytest.raises(BuildError, match=r'does not start: CUDA initialization failure .* needs '
                       'the NVIDIA driver'):
        build_plan(engines.read(tiny_onnx), BuildOptions('fp16'), gpu=gpu)


def test_a_failed_build_says_what_tensorrt_says(tensorrt, tiny_onnx, gpu, monkeypatch):
    real = tensorrt.Builder

    class Builder:
        def __init__(self, logger):
            self.real, self.log = real(logger), logger.log

        def __getattr__(self, name):
            return getattr(self.real, name)

        def build_serialized_network(self, network, config):
            self.log(tensorrt.ILogger.Severity.ERROR, 'no implementation for node Conv_7')

    monkeypatch.setattr(tensorrt, 'Builder', Builder)
    with pytest.raises(BuildError, match=r'TensorRT 10\.13\.3\.9 cannot build .*tiny\.onnx for '
                       'NVIDIA L4: no implementation for node Conv_7'):
        build_plan(engines.read(tiny_onnx), BuildOptions('fp16'), gpu=gpu)


def test_dla_where_there_is_none(rtx, tiny_onnx):
    with pytest.raises(ValueError, match=r'DLA core 0: TensorRT-RTX .* finds 0 on this machine'):
        build_plan(engines.read(tiny_onnx), BuildOptions('fp16', 'sm_89', dla_core=0))


@pytest.mark.parametrize(('values', 'message'), [
    ({'precision': 'fp8'}, "precision 'fp8': expected fp32, fp16, int8"),
    ({'target': '89'}, "target '89': expected a compute capability such as sm_89"),
    ({'batch': 0}, 'batch 0: expected at least 1'),
    ({'workspace': 0}, 'workspace of 0 MiB: expected at least 1'),
    ({'optimization_level': 6}, 'optimization level 6: expected 0 to 5'),
    ({'dla_core': -1}, 'DLA core -1: expected 0 or more'),
    ({'dla_core': 0, 'precision': 'fp32'}, 'precision fp32 on a DLA core')])
def test_options_out_of_range(values, message):
    with pytest.raises(ValueError, match=message):
        BuildOptions(**values)


def test_files_that_cannot_be_built(rtx, tiny_onnx, tmp_path):
    options = BuildOptions('fp32', 'sm_89')
    with pytest.raises(FileNotFoundError, match=r'no model file .*absent\.onnx'):
        build_plan(engines.read(tmp_path / 'absent.onnx'), options)
    for name, content in (('cut', STREETS.read_bytes()[:5000]), ('text', b'no model'),
                          ('empty', b'')):
        path = tmp_path / f'{name}.onnx'
        path.write_bytes(content)
        with pytest.raises(ModelError, match=rf'{name}\.onnx is not an ONNX model'):
            build_plan(engines.read(path), options)
    mute = changed(tiny_onnx, tmp_path / 'mute.onnx', lambda m: m.metadata_props.pop())
    mute = changed(mute, mute, lambda m: m.metadata_props.pop(0))
    with pytest.raises(ModelError, match=r'mute\.onnx lacks the metadata'):
        build_plan(engines.read(mute), options)


def test_files_that_break_the_contract(rtx, tiny_onnx, tmp_path):
    def build_changed(change):
        engines.read(changed(tiny_onnx, tmp_path / 'm.onnx', change))

    def larger(model):
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 128

    def apart(model):
        model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL

    with pytest.raises(ModelError, match=r'image is uint8 .*128, 128, 3\): the engine contract '
                       r'asks for uint8 \(N, 64, 128, 3\)'):
        build_changed(larger)
    with pytest.raises(ModelError, match='keeps its weights in another file'):
        build_changed(apart)
    with pytest.raises(ModelError, match='output offset is absent'):
        build_changed(lambda model: model.graph.output.pop())


def test_operations_that_tensorrt_does_not_know_are_named(rtx, tiny_onnx, tmp_path):
    def invent(model):
        node = next(n for n in model.graph.node if n.op_type == 'Relu')
        node.op_type, node.name = 'Fancy', 'peak_relu'

    path = changed(tiny_onnx, tmp_path / 'fancy.onnx', invent)
    with pytest.raises(ModelError, match=r'fancy\.onnx cannot be parsed by TensorRT-RTX .*: '
                       'peak_relu: '):
        build_plan(engines.read(path), BuildOptions('fp32', 'sm_89'))


def test_timings_are_kept(rtx, tiny_onnx, tmp_path):
    """Kept from build to build; a damaged file is begun anew."""
    file = tmp_path / 'cache' / 'timings'
    options = BuildOptions('fp32', 'sm_89')
    build_plan(engines.read(tiny_onnx), options, timing_cache=file)
    assert file.stat().st_size > 0
    for damage in (b'', b'garbage' * 9):
        file.write_bytes(damage)
        build_plan(engines.read(tiny_onnx), options, timing_cache=file)
        assert file.read_bytes() != damage
    assert [p.name for p in file.parent.iterdir()] == ['timings']
