"""The GPU benchmark from end to end on doubles: what it says, not how fast."""

import argparse
import json
from pathlib import Path

import fake_cuda
import fake_tensorrt
import numpy as np
import pytest
from cuda_on_cpu import Program, write_source
from gpu_plans import make_plan

from panoptic_ros.benchmarks import gpu, gpu_machine, gpu_probes
from panoptic_ros.benchmarks.gpu_machine import describe_machine, why_not_tensorrt
from panoptic_ros.benchmarks.gpu_stopwatch import Stopwatch
from panoptic_ros.benchmarks.gpu_tables import markdown, tables
from panoptic_ros.benchmarks.gpu_taps import KernelTap
from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.cli import benchmark
from panoptic_ros.device import Device, DeviceError
from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.kernel_sources import KERNELS
from panoptic_ros.report import add_json_argument

BUILD = Path(__file__).parents[2] / 'build' / 'kernels'
TINY = ['--size', '64x128', '--input-size', '64x128', '--rounds', '1', '--warm-up', '1']


@pytest.fixture(scope='session')
def programs():
    return [Program(source, BUILD) for source in (
        KERNELS / 'kernels.cu', write_source(BUILD, gpu_probes.KERNELS))]


@pytest.fixture
def cuda(monkeypatch, programs):
    def run(name, grid, block, arguments):
        program = next(p for p in programs if name in p.kernels)
        program.launch(name, grid, block, arguments)

    monkeypatch.setattr(gpu_probes, 'COPY_BYTES', 1 << 16)
    monkeypatch.setattr(gpu_probes, 'TURNS', 10)
    yield from fake_cuda.install(monkeypatch, kernels=run)


@pytest.fixture
def tensorrt(monkeypatch, cuda):
    return fake_tensorrt.install(monkeypatch, cuda.machine)


@pytest.fixture
def no_tensorrt(monkeypatch):
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'nothing')


@pytest.fixture
def torch_on_host(monkeypatch, cuda):
    torch = pytest.importorskip('torch')
    import torch_on_host
    torch_on_host.install(monkeypatch, cuda.machine)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(*words):
    parser = argparse.ArgumentParser()
    add_json_argument(parser)
    gpu.add_arguments(parser)
    return gpu.run(parser.parse_args([*TINY, *words]))


def check(report):
    """Check what holds for every report, whichever engine ran: its tables show it, no more."""
    text = json.dumps(report)
    assert json.loads(text) == report
    assert tables(json.loads(text)) == tables(report)
    changed = json.loads(text.replace('"ours": ', '"ours": 7'))
    assert tables(changed) != tables(report)
    assert [(c['instances'], c['heads']) for c in report['grouping']] == [
        (n, kind) for n in (30, 100, 200) for kind in ('float32', 'float16')]
    for case in report['grouping']:
        assert case['pixels_differing']['ours'] == 0
        assert 0 < case['found_instances'] <= case['instances']
        width = {'float32': 4, 'float16': 2}[case['heads']]
        assert case['floor']['bytes'] == 22 * 16 * 32 * width + 2 * 64 * 128
        assert case['floor']['ms'] == pytest.approx(
            case['floor']['moving_ms'] + case['floor']['launching_ms'])
        assert case['floor']['moving_ms'] == pytest.approx(
            case['floor']['bytes'] / report['copy']['gigabytes_per_second'] / 1e6)
        assert case['times_the_floor'] == case['ms']['ours'] / case['floor']['ms']
        assert sum(case['kernels_ms'].values()) == pytest.approx(case['ms']['ours'])
        assert len(case['kernels_ms']) == 5
    first = report['grouping'][0]['ms']['ours']
    last = report['grouping'][4]['ms']['ours']
    assert report['grouping_growth']['float32'] == {
        'from_instances': 30, 'to_instances': 200, 'factor': last / first}


@pytest.mark.slow
def test_with_tensorrt(tensorrt, tmp_path, tiny_onnx, capsys):
    plan = make_plan(tmp_path / 'tiny.plan', tiny_onnx)
    report = run('--plan', str(plan), '--camera', '96x200')
    check(report)
    path = report['path']
    assert path['pixels_differing'] == 0
    assert path['camera'] == [96, 200]
    assert set(path['ms']) == {'whole', 'engine', 'grouping', 'copies', 'upload', 'download'}
    assert min(path['ms'].values()) > 0
    assert path['over_engine_and_copies'] == pytest.approx(
        path['ms']['whole'] / (path['ms']['engine'] + path['ms']['copies']) - 1)
    rows = report['cameras']
    assert [row['cameras'] for row in rows] == [1, 2, 4, 6]
    assert '4 images at most' in rows.pop()['not_measured']     # the plan is for 4
    assert all(row['batch_ms'] == row['cameras'] * row['camera_ms'] for row in rows)
    assert report['machine']['gpu'] == 'Host GPU'
    assert report['engine']['batch'] == 4
    assert 'torch' in report['not_measured']        # it sees no GPU here
    printed = capsys.readouterr().out
    for table in tables(report):
        assert markdown(table) in printed
    assert '6 cameras were not measured' in printed


@pytest.mark.slow
def test_with_pytorch(torch_on_host, no_tensorrt, monkeypatch):
    monkeypatch.setattr(gpu, 'CAMERAS', (1, 3))
    report = run('--network', 'mobile', '--precision', 'fp32')
    check(report)
    for case in report['grouping']:
        assert case['pixels_differing']['torch'] <= 0.001 * 64 * 128
        assert case['times_faster_than_torch'] == case['ms']['torch'] / case['ms']['ours']
    assert report['path']['pixels_differing'] == 0
    assert report['path']['found_instances'] > 5    # of the heads that stand in
    assert [row['cameras'] for row in report['cameras']] == [1, 3]
    assert all(row['engine_ms'] > 0 for row in report['cameras'])
    assert 'random' in report['engine']['weights']
    assert 'PANOPTIC_ROS_TENSORRT' in report['not_measured']['tensorrt']
    text = '\n'.join(map(markdown, tables(report)))
    assert 'weights: random' in text


def test_pytorch_without_enough_memory_is_left_out(torch_on_host, no_tensorrt, monkeypatch):
    import torch

    from panoptic_ros.benchmarks import torch_grouping

    def fail(*_):
        raise torch.cuda.OutOfMemoryError('Tried to allocate 3 GiB\nand more')

    monkeypatch.setattr(torch_grouping, 'group', fail)
    monkeypatch.setattr(gpu, 'INSTANCES', (30,))
    monkeypatch.setattr(gpu, 'CAMERAS', (1,))
    report = run('--network', 'mobile', '--precision', 'fp32')
    for case in report['grouping']:
        assert case['torch_not_measured'] == 'Tried to allocate 3 GiB'
        assert 'torch' not in case['ms']
        assert 'times_faster_than_torch' not in case
    text = '\n'.join(map(markdown, tables(report)))
    assert 'not measured with 30 instances, float16: Tried to allocate 3 GiB.' in text


def test_nvidia_smi_is_asked_for_the_gpu_in_use(tmp_path, monkeypatch, cuda):
    program = tmp_path / 'nvidia-smi'
    program.write_text("#!/bin/sh\nprintf 'Other GPU, 1.0\\nHost GPU, 580.95\\n'\n")
    program.chmod(0o755)
    device = Device.open()
    monkeypatch.setenv('PATH', '')
    assert describe_machine(device)['driver'] == 'unknown'
    monkeypatch.setenv('PATH', str(tmp_path))
    assert describe_machine(device)['driver'] == '580.95'
    program.write_text('#!/bin/sh\nexec /bin/sleep 60\n')
    monkeypatch.setattr(gpu_machine, '_PATIENCE', 0.1)
    assert describe_machine(device)['driver'] == 'unknown'
    device.close()


def test_without_any_engine_the_grouping_is_measured(cuda, no_tensorrt):
    report = run()
    check(report)
    assert 'path' not in report
    assert set(report['not_measured']) == {'torch', 'tensorrt', 'path'}
    text = '\n'.join(map(markdown, tables(report)))
    assert 'neither TensorRT nor PyTorch' in text


@pytest.mark.parametrize(('words', 'message'), [
    (['--engine', 'tensorrt'], 'PANOPTIC_ROS_TENSORRT'), (['--engine', 'torch'], 'sees no GPU'),
    (['--plan', 'no.plan'], 'PANOPTIC_ROS_TENSORRT')])
def test_an_engine_that_is_not_there(cuda, no_tensorrt, words, message):
    if 'torch' in words:
        pytest.importorskip('torch')
    with pytest.raises(SystemExit, match=message):
        run(*words)


def test_a_plan_that_is_not_there(tensorrt):
    with pytest.raises(SystemExit, match=r'no\.plan'):
        run('--plan', 'no.plan')


def test_tensorrt_for_other_gpus_is_not_used(tensorrt, cuda):
    """As where TensorRT-RTX is installed for an H100."""
    tensorrt.module.ComputeCapability = type('ComputeCapability', (), {'SM75': 0, 'SM89': 1})
    assert why_not_tensorrt('sm_89') is None
    assert 'knows sm_75, sm_89 and not sm_90: install the package tensorrt' in (
        why_not_tensorrt('sm_90'))
    cuda.machine.gpus = (('Another GPU', (9, 0)),)
    with pytest.raises(SystemExit, match='and not sm_90'):
        run('--engine', 'tensorrt')


class TestFailures:
    """What fails is named and the rest is kept."""

    @pytest.fixture(autouse=True)
    def _few_cases(self, monkeypatch):
        monkeypatch.setattr(gpu, 'INSTANCES', (30,))
        monkeypatch.setattr(gpu, 'CAMERAS', (1,))

    def fail(self, *_, **__):
        raise KeyError('of another library')

    def run_to_the_end(self, tmp_path, *words):
        file = tmp_path / 'report.json'
        with pytest.raises(SystemExit) as caught:
            run('--json', str(file), *words)
        report = json.loads(file.read_text())
        for name in report['failed']:
            assert f'{name}: {report["not_measured"][name]}' in str(caught.value)
        return report

    def test_an_engine_that_cannot_be_opened(self, tensorrt, monkeypatch, tmp_path, capsys):
        monkeypatch.setattr(gpu, 'open_plan', self.fail)
        report = self.run_to_the_end(tmp_path)
        assert report['failed'] == ['engine']
        assert report['not_measured']['engine'] == "KeyError: 'of another library'"
        assert len(report['grouping']) == 2
        assert set(report['grouping_growth']) == set()
        printed = capsys.readouterr()
        assert 'Grouping at 64x128' in printed.out
        assert "KeyError: 'of another library'" in printed.out
        assert 'Traceback' in printed.err

    def test_a_path_that_fails(self, tensorrt, tmp_path, tiny_onnx, monkeypatch, capsys):
        monkeypatch.setattr(gpu, 'measure_path', self.fail)
        plan = make_plan(tmp_path / 'tiny.plan', tiny_onnx)
        report = self.run_to_the_end(tmp_path, '--plan', str(plan))
        assert report['failed'] == ['path']
        assert [row['cameras'] for row in report['cameras']] == [1]
        assert 'Batches of cameras' in capsys.readouterr().out

    def test_a_case_that_fails(self, cuda, no_tensorrt, tmp_path, monkeypatch):
        measure = gpu.GroupingBench.measure

        def fail_with_halves(bench, size, instances, kind, rounds):
            return self.fail() if kind == 'float16' else measure(bench, size, instances, kind,
                                                                 rounds)

        monkeypatch.setattr(gpu.GroupingBench, 'measure', fail_with_halves)
        report = self.run_to_the_end(tmp_path)
        assert report['failed'] == ['grouping, 30 instances, float16']
        assert [case['heads'] for case in report['grouping']] == ['float32']

    def test_without_a_compiler_nothing_but_the_machine_is_known(
            self, cuda, no_tensorrt, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(gpu, 'compile_kernels', self.fail)
        report = self.run_to_the_end(tmp_path)
        assert report['failed'] == ['copy']
        assert 'Host GPU' in capsys.readouterr().out

    def test_what_was_measured_is_written_before_the_end(self, cuda, no_tensorrt, tmp_path,
                                                         monkeypatch):
        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(gpu.GroupingBench, 'measure', interrupt)
        with pytest.raises(KeyboardInterrupt):
            run('--json', str(tmp_path / 'report.json'))
        assert 'copy' in json.loads((tmp_path / 'report.json').read_text())


def test_without_a_gpu(cuda, capsys):
    cuda.machine.gpus = ()
    with pytest.raises(SystemExit, match=r'^benchmark gpu: .*nvidia-smi') as caught:
        benchmark.main(['gpu'])
    assert '\n' not in str(caught.value)
    assert not capsys.readouterr().out


class TestParts:
    @pytest.fixture
    def device(self, cuda):
        device = Device.open()
        yield device
        device.close()

    def test_slow_sides_take_part_rarely_and_warm_up_does_not_count(self, device):
        calls = []
        stopwatch = Stopwatch(device, lambda: calls.append('hold'), warm_up=3)
        times = stopwatch.medians({'fast': lambda: calls.append('fast'),
                                   'slow': lambda: calls.append('slow')}, 10, slow=('slow',))
        assert times.keys() == {'fast', 'slow'}
        assert (calls.count('fast'), calls.count('slow')) == (13, 3)
        assert calls.count('hold') == 16
        assert all(before == 'hold' for before in calls[::2])

    def test_kernels_of_the_probes_are_loaded_before_a_graph_is_recorded(self, device, cuda):
        probes = gpu_probes.Probes(device)
        assert cuda.machine.calls['cuModuleGetFunction'] == 3
        kernels = cuda.machine.calls['kernel']
        assert kernels == 3
        probes.hold()
        probes.chain(4).launch()
        device.synchronize()
        assert cuda.machine.calls['cuModuleGetFunction'] == 3
        assert cuda.machine.calls['kernel'] == kernels + 5

    def test_a_tap_leaves_out_kernels(self):
        launched = []

        class Kernels:
            def launch(self, name, *_):
                launched.append(name)

        tap = KernelTap(Kernels())
        for most in (None, 1, 0):
            tap.begin(most)
            tap.launch('a', 1)
            tap.launch('b', 2)
            assert tap.names == ['a', 'b']
        assert launched == ['a', 'b', 'a']


class TestTorch:
    """What PyTorch does on a GPU, on the processor instead."""

    @pytest.fixture
    def engine_module(self, torch_on_host):
        from panoptic_ros.benchmarks import torch_engine
        return torch_engine

    @pytest.fixture
    def device(self, cuda):
        device = Device.open()
        yield device
        device.close()

    def make(self, module, device, **keywords):
        import torch
        return module.TorchEngine.untrained(device, 'mobile', (64, 128), 3,
                                            dtype=torch.float32, **keywords)

    def test_it_runs_the_network_on_our_memory(self, engine_module, device):
        import torch
        engine = self.make(engine_module, device)
        images = np.random.default_rng(0).integers(0, 256, (3, 64, 128, 3)).astype(np.uint8)
        device.upload(engine.image, images)
        engine.enqueue(2)
        network = engine._network
        with torch.inference_mode():
            expected = network(torch.from_numpy(images[:2]))
        for array, values in zip((engine.semantic, engine.center, engine.offset), expected,
                                 strict=True):
            found = np.empty(array.shape, np.float32)
            device.download(array, found)
            device.synchronize()
            np.testing.assert_allclose(found[:2], values.numpy(), atol=1e-4, rtol=1e-4)
            assert (found[2].view(np.uint8) == 0xA5).all()      # nobody wrote the third

    def test_it_is_recorded_only_after_it_ran(self, engine_module, device):
        engine = self.make(engine_module, device)
        with pytest.raises(RuntimeError, match='never run before'), device.capture():
            engine.enqueue(1)
        engine.enqueue(1)
        with device.capture():
            engine.enqueue(1)
        with pytest.raises(ValueError, match='expected 1 to 3'):
            engine.enqueue(4)

    def test_algorithms_are_chosen_outside_the_memory_of_the_graph(self, engine_module, device,
                                                                  monkeypatch):
        engine, done = self.make(engine_module, device), []
        run = engine._run
        monkeypatch.setattr(engine, '_run', lambda count, pool: (
            done.append((count, pool)), run(count, pool)))
        monkeypatch.setattr(engine_module, 'release_cache', lambda: done.append('released'))
        for count in (2, 2, 1):
            engine.enqueue(count)
        assert done == [(2, None), 'released', (2, 'pool'), (2, 'pool'),
                        (1, None), 'released', (1, 'pool')]

    def test_the_context_outlives_the_device(self, engine_module, device, cuda):
        context = cuda.machine.current('')
        self.make(engine_module, device)
        device.close()
        assert context.alive

    def test_stand_ins_take_the_place_of_its_heads(self, engine_module, device, cityscapes):
        heads = make_heads(cityscapes, (64, 128), 5)
        engine = self.make(engine_module, device, stand_ins=heads)
        engine.enqueue(3)
        found = np.empty(engine.semantic.shape, np.float32)
        device.download(engine.semantic, found)
        device.synchronize()
        for image in found:
            np.testing.assert_array_equal(image, heads.semantic)

    def test_closing_frees_the_memory_and_can_be_repeated(self, engine_module, device, cuda):
        held = cuda.machine.held()
        engine = self.make(engine_module, device)
        engine.enqueue(1)
        engine.close()
        engine.close()
        assert cuda.machine.held() == held
        with pytest.raises(RuntimeError, match='is closed'):
            engine.enqueue(1)

    def test_lack_of_memory_is_a_device_error(self, engine_module, device, monkeypatch):
        import torch
        engine = self.make(engine_module, device)

        def fail(*_):
            raise torch.cuda.OutOfMemoryError('CUDA out of memory')

        monkeypatch.setattr(engine, '_run', fail)
        with pytest.raises(DeviceError, match='fewer images'):
            engine.enqueue(1)

    def test_grouping_in_pytorch_equals_the_reference(self, cityscapes):
        torch_grouping = pytest.importorskip('panoptic_ros.benchmarks.torch_grouping')
        heads = make_heads(cityscapes, (128, 256), 20)
        expected = deeplab.decode(heads, cityscapes, method='reference').labels
        for given in (heads, torch_grouping.load(heads)):
            labels = torch_grouping.group(given, cityscapes, device='cpu').numpy()
            assert (labels != expected).mean() < 1e-4

    def test_other_types_are_refused(self, engine_module, device):
        import torch
        with pytest.raises(ValueError, match=r'torch\.float16 or torch\.float32|expected'):
            engine_module.TorchEngine.untrained(device, 'mobile', (64, 128), 1, torch.float64)


def test_why_not_torch_says_what_to_install():
    torch = pytest.importorskip('torch')
    if torch.cuda.is_available():
        pytest.skip('PyTorch sees a GPU')
    from panoptic_ros.benchmarks.torch_engine import why_not_torch
    assert 'install a build for CUDA' in why_not_torch()
