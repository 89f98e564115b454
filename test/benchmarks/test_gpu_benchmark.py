"""The GPU benchmark from end to end on doubles: what it says, not how fast."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gpu_plans import make_plan

from panoptic_ros.benchmarks.gpu import limit, machine, measurement
from panoptic_ros.benchmarks.gpu.decoder import DecoderBench, KernelTap
from panoptic_ros.benchmarks.gpu.page import Table, page
from panoptic_ros.benchmarks.gpu.path import PathBench
from panoptic_ros.benchmarks.gpu.probes import Probes
from panoptic_ros.benchmarks.gpu.stopwatch import Stopwatch
from panoptic_ros.cli import benchmark

pytestmark = pytest.mark.compile

ROOT = Path(__file__).resolve().parents[2]
DOUBLED = ROOT / 'test' / 'support' / 'doubled_python.py'
SANITIZER = """#!/bin/sh
shift 4
test "$1" = --leak-check && shift 2
"$@" && echo '========= ERROR SUMMARY: 0 errors\n========= RACECHECK SUMMARY: 0 hazards'
"""


def run_doubled(tmp_path, *words, **environment):
    """Run the command on a machine of doubles; return its report and its page."""
    files = tmp_path / 'gpu.json', tmp_path / 'docs' / 'gpu.md'
    done = subprocess.run(
        [sys.executable, DOUBLED, '-m', 'panoptic_ros.cli.benchmark', 'gpu', '--size', '64x64',
         '--rounds', '1', '--queries', '7', '--detections', '6', '--json', files[0],
         '--document', files[1], *words],
        env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'left behind' not in done.stderr
    report, text = json.loads(files[0].read_text()), files[1].read_text()
    assert {name: step['outcome'] for name, step in report['steps'].items()} == dict.fromkeys(
        report['steps'], 'passed')
    assert text == page(report)
    assert text in done.stdout
    assert page(json.loads(json.dumps(report).replace('"ours": ', '"ours": 7'))) != text
    return report, text


def check_decoder(report):
    for case in report['decoder']:
        assert case['pixels_differing']['ours'] == 0
        assert 0 < case['found_instances'] <= case['instances']
        width = {'float32': 4, 'float16': 2}[case['outputs']]
        assert case['floor']['bytes'] == 22 * 16 * 16 * width + 2 * 64 * 64
        assert case['floor']['ms'] == pytest.approx(
            case['floor']['moving_ms'] + case['floor']['launching_ms'])
        assert case['floor']['moving_ms'] == pytest.approx(
            case['floor']['bytes'] / report['copy']['gigabytes_per_second'] / 1e6)
        assert case['times_the_floor'] == case['ms']['ours'] / case['floor']['ms']
        assert sum(case['kernels_ms'].values()) == pytest.approx(case['ms']['ours'])
        assert len(case['kernels_ms']) == 5


def check_queries(report):
    assert [case['outputs'] for case in report['queries']] == ['float32', 'float16']
    for case in report['queries']:
        assert case['pixels_differing'] == {'ours': 0}
        assert case['instances'] == 7
        width = {'float32': 4, 'float16': 2}[case['outputs']]
        assert case['floor']['bytes'] == 7 * (20 + 16 * 16) * width + 2 * 64 * 64
        assert [name.removesuffix(f'_{kind}') for name in case['kernels_ms']
                for kind in ('float', 'half') if name.endswith(kind)] == [
                    'keep_queries', 'decide_pixels_2']
        assert len(case['kernels_ms']) == 4


def check_detections(report):
    assert [case['outputs'] for case in report['detections']] == ['float32', 'float16']
    for case in report['detections']:
        assert case['pixels_differing'] == {'ours': 0}
        width = {'float32': 4, 'float16': 2}[case['outputs']]
        assert case['floor']['bytes'] == (12 * 16 * 16 + 6 * (28 * 28 + 5)) * width + 6 * 8 + (
            2 * 64 * 64)
        assert len(case['kernels_ms']) == 8


@pytest.mark.slow
def test_everything_with_tensorrt(tmp_path, tiny_onnx, monkeypatch):
    """
    All parts, some of the gpu-marked tests among them, pass on the doubles.

    Most of the files *decoder_tests.py are left out: test/families runs them.
    """
    program = tmp_path / 'compute-sanitizer'
    program.write_text(SANITIZER)
    program.chmod(0o755)
    plan = make_plan(tmp_path / 'tiny.plan', tiny_onnx)
    report, text = run_doubled(
        tmp_path, '--model', plan, '--camera', '48x100', '--cameras', '1', '6', '--instances',
        '3', '9', PATH=f'{tmp_path}{os.pathsep}{os.environ["PATH"]}',
        XDG_CACHE_HOME=str(tmp_path), PYTEST_ADDOPTS=(
            '-k "whole_path or resizing or the_same"'))
    assert list(report['steps']) == [
        'machine', 'compile', 'kernels', 'copies', 'decoder', 'queries', 'detections',
        'engine', 'path', 'cameras', 'memcheck', 'racecheck', 'tests']
    check_decoder(report)
    check_queries(report)
    check_detections(report)
    assert 'Decoder of queries at 64x64, 19 classes' in text
    assert [(case['instances'], case['outputs']) for case in report['decoder']] == [
        (n, kind) for n in (3, 9) for kind in ('float32', 'float16')]
    few, many = (report['decoder'][index]['ms']['ours'] for index in (0, 2))
    assert report['decoder_growth']['float32'] == many / few
    path, rows = report['path'], report['cameras']
    assert (path['pixels_differing'], path['camera']) == (0, [48, 100])
    assert set(path['ms']) == {'whole', 'engine', 'decoder', 'copies', 'upload', 'download'}
    assert min(*path['ms'].values(), *path['frame_ms'].values()) > 0
    assert path['over_engine_and_copies'] == pytest.approx(
        path['ms']['whole'] / (path['ms']['engine'] + path['ms']['copies']) - 1)
    assert [row['cameras'] for row in rows] == [1, 6]
    assert '4 images at most' in rows[1]['not_measured']        # the plan is for 4
    assert '6 cameras were not measured' in text
    assert report['machine']['gpu'] == 'Host GPU'
    assert report['engine']['batch'] == 4
    assert 'without PyTorch: ' in report['steps']['decoder']['detail']
    assert 'free on the GPU' in text
    assert ' passed' in report['steps']['tests']['detail']
    for family in ('heads', 'queries', 'detections'):
        assert f'test_the_same_{family}_give' in (tmp_path / 'gpu.tests.log').read_text()
    for tool in ('memcheck', 'racecheck'):
        assert ': 0 pixels differ' in (tmp_path / f'gpu.{tool}.log').read_text()


@pytest.mark.slow
def test_with_pytorch(tmp_path):
    """PyTorch runs the network where there is no TensorRT, also that of the gpu-marked tests."""
    pytest.importorskip('torch')
    report, text = run_doubled(
        tmp_path, '--parts', 'decoder', 'path', 'tests', '--network', 'mobile', '--precision',
        'fp32', '--input-size', '64x64', '--instances', '9', '--cameras', '1', '3',
        PANOPTIC_ROS_TENSORRT='nothing', PYTEST_ADDOPTS='-k "size0 or our_memory or leak_nothing"')
    check_decoder(report)
    for case in report['decoder']:
        assert case['pixels_differing']['torch'] <= 0.001 * 64 * 64
        assert case['times_faster_than_torch'] == case['ms']['torch'] / case['ms']['ours']
    assert report['path']['pixels_differing'] == 0
    assert report['path']['found_instances'] >= 3       # of the outputs that stand in
    assert [row['cameras'] for row in report['cameras']] == [1, 3]
    assert all(row['batch_ms'] == row['cameras'] * row['camera_ms'] for row in report['cameras'])
    assert 'weights: random' in text
    assert report['steps']['tests']['detail'].endswith(' passed')


def test_pytorch_without_enough_memory_is_left_out(run, torch_on_host, monkeypatch):
    import torch

    from panoptic_ros.benchmarks import torch_grouping

    def fail(*_):
        raise torch.cuda.OutOfMemoryError('Tried to allocate 3 GiB\nand more')

    monkeypatch.setattr(torch_grouping, 'group', fail)
    report = run('--parts', 'decoder')
    for case in report['decoder']:
        assert case['torch_not_measured'] == 'Tried to allocate 3 GiB'
        assert 'torch' not in case['ms']
    assert 'not measured with 4 instances, float16: Tried to allocate 3 GiB.' in page(report)


def test_without_any_engine_the_decoder_is_measured(run, cuda, no_tensorrt):
    report = run('--parts', 'decoder', 'path')
    assert report['decoder']
    steps = report['steps']
    assert steps['engine']['outcome'] == steps['path']['outcome'] == 'not run'
    assert 'neither TensorRT nor PyTorch' in steps['engine']['detail']
    assert 'it needs the step engine' in steps['path']['detail']


@pytest.mark.parametrize(('words', 'message'), [
    (['--engine', 'tensorrt'], 'PANOPTIC_ROS_TENSORRT'), (['--engine', 'torch'], 'PyTorch'),
    (['--model', 'no.plan'], 'PANOPTIC_ROS_TENSORRT'),
    (['--engine', 'torch', '--model', 'no.plan'], 'is a plan')])
def test_an_engine_that_is_asked_for_and_not_there(run, cuda, no_tensorrt, words, message):
    with pytest.raises(SystemExit, match=rf'^benchmark gpu: engine: .*{message}'):
        run('--parts', 'path', *words)


def test_a_plan_that_is_not_there(run, tensorrt):
    with pytest.raises(SystemExit, match=r'no\.plan'):
        run('--parts', 'path', '--model', 'no.plan')


class TestFailures:
    """What fails is named and the rest is kept."""

    def fail(self, *_, **__):
        raise KeyError('of another library')

    def run_to_the_end(self, run, tmp_path, *words):
        file, document = tmp_path / 'report.json', tmp_path / 'gpu.md'
        with pytest.raises(SystemExit) as caught:
            run('--json', file, '--document', document, *words)
        report = json.loads(file.read_text())
        assert document.read_text() == page(report)
        for name, step in report['steps'].items():
            assert (f'{name}: {step["detail"]}' in str(caught.value)) == (
                step['outcome'] == 'failed')
        return report

    def test_a_path_that_fails(self, run, tensorrt, tmp_path, tiny_onnx, monkeypatch, capsys):
        monkeypatch.setattr(PathBench, 'path', self.fail)
        plan = make_plan(tmp_path / 'tiny.plan', tiny_onnx)
        report = self.run_to_the_end(run, tmp_path, '--parts', 'path', '--model', plan)
        assert report['steps']['path']['detail'] == "KeyError: 'of another library'"
        assert [row['cameras'] for row in report['cameras']] == [1]
        printed = capsys.readouterr()
        assert 'Batches of cameras' in printed.out
        assert 'Traceback' in printed.err

    def test_labels_that_are_wrong(self, run, cuda, tmp_path, monkeypatch):
        wrong = [{'case': 'a case', 'pixels_differing': 3}, {'case': 'b', 'pixels_differing': 0}]
        monkeypatch.setattr(measurement.kernel_cases, 'check', lambda *_: iter(wrong))
        report = self.run_to_the_end(run, tmp_path, '--parts', 'kernels')
        assert report['steps']['kernels']['detail'].endswith(': 3 of a case')
        assert report['kernels'] == wrong

    def test_without_a_compiler_nothing_but_the_machine_is_known(self, run, cuda, tmp_path,
                                                                 monkeypatch):
        monkeypatch.setattr(measurement.kernel_cases, 'compile_all', self.fail)
        report = self.run_to_the_end(run, tmp_path, '--parts', 'kernels', 'decoder')
        assert [step['outcome'] for step in report['steps'].values()] == [
            'passed', 'failed', *['not run'] * 5]
        assert report['machine']['gpu'] == 'Host GPU'

    def test_what_was_measured_is_written_before_the_end(self, run, cuda, tmp_path, monkeypatch):
        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(DecoderBench, 'measure', interrupt)
        with pytest.raises(KeyboardInterrupt):
            run('--parts', 'decoder', '--json', tmp_path / 'report.json')
        report = json.loads((tmp_path / 'report.json').read_text())
        assert 'copy' in report
        assert 'ended while it ran' in report['steps']['decoder']['detail']

    def test_after_the_limit_nothing_is_begun(self, run, cuda, tmp_path, monkeypatch):
        def hang(*_):
            time.sleep(600)

        monkeypatch.setattr(DecoderBench, 'measure', hang)
        report = self.run_to_the_end(run, tmp_path, '--limit', '2', '--parts', 'decoder', 'tests')
        assert report['steps']['decoder']['detail'] == 'the limit of 2 s was reached'
        assert report['steps']['tests']['detail'] == 'the limit of 2 s was reached'
        assert report['steps']['decoder']['seconds'] < 60


def test_a_process_that_hangs_after_the_limit_is_ended():
    program = ('import time\nfrom panoptic_ros.benchmarks.gpu import limit\nlimit.GRACE = 0.1\n'
               'with limit.Limit(0.1):\n    time.sleep(600)\n')
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True,
                          check=False, cwd=ROOT)
    assert done.returncode == 1
    assert 'Timeout' in done.stderr
    assert 'line 5 in <module>' in done.stderr


def test_a_block_that_ends_in_time_leaves_no_alarm():
    handler = signal.getsignal(signal.SIGTERM)
    with limit.Limit(0.1) as within:
        with within.watch():
            pass
        time.sleep(0.2)
    assert signal.getsignal(signal.SIGTERM) is handler


def test_without_a_gpu(cuda, capsys, tmp_path):
    cuda.machine.gpus = ()
    document = tmp_path / 'gpu.md'
    with pytest.raises(SystemExit, match=r'^benchmark gpu: .*nvidia-smi') as caught:
        benchmark.main(['gpu', '--document', str(document)])
    assert '\n' not in str(caught.value)
    assert not capsys.readouterr().out
    assert not document.exists()


def test_nvidia_smi_is_asked_for_the_gpu_in_use(tmp_path, monkeypatch, device):
    program = tmp_path / 'nvidia-smi'
    program.write_text("#!/bin/sh\nprintf 'Other GPU, 1.0\\nHost GPU, 580.95\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv('PATH', '')
    assert machine.describe_machine(device)['driver'] == 'unknown'
    monkeypatch.setenv('PATH', str(tmp_path))
    assert machine.describe_machine(device)['driver'] == '580.95'
    program.write_text('#!/bin/sh\nexec /bin/sleep 60\n')
    monkeypatch.setattr(machine, '_PATIENCE', 0.1)
    assert machine.describe_machine(device)['driver'] == 'unknown'


def test_tensorrt_for_other_gpus_is_not_used(tensorrt):
    """As where TensorRT-RTX is installed for an H100."""
    tensorrt.module.ComputeCapability = type('ComputeCapability', (), {'SM75': 0, 'SM89': 1})
    assert machine.why_not_tensorrt('sm_89') is None
    assert 'knows sm_75, sm_89 and not sm_90: install the package tensorrt' in (
        machine.why_not_tensorrt('sm_90'))


def test_slow_sides_take_part_rarely_and_warm_up_does_not_count(device):
    calls = []
    stopwatch = Stopwatch(device, lambda: calls.append('hold'), warm_up=3)
    times = stopwatch.medians({'fast': lambda: calls.append('fast'),
                               'slow': lambda: calls.append('slow')}, 10, slow=('slow',))
    assert times.keys() == {'fast', 'slow'}
    assert (calls.count('fast'), calls.count('slow')) == (13, 3)
    assert calls.count('hold') == 16
    assert all(before == 'hold' for before in calls[::2])


def test_kernels_of_the_probes_are_loaded_before_a_graph_is_recorded(device, cuda):
    probes = Probes(device)
    assert cuda.machine.calls['cuModuleGetFunction'] == cuda.machine.calls['kernel'] == 3
    probes.hold()
    probes.chain(4).launch()
    device.synchronize()
    assert cuda.machine.calls['cuModuleGetFunction'] == 3
    assert cuda.machine.calls['kernel'] == 8


def test_a_tap_leaves_out_kernels():
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


def test_a_table_keeps_its_form():
    text = Table('Title', ('what', 'ms'), [('a | b\nc', '1.5'), ('d', '-')], ('A note.',))
    assert text.markdown() == ('## Title\n\n| what     |  ms |\n|----------|----:|\n'
                               '| a \\| b c | 1.5 |\n| d        |   - |\n\nA note.\n')


MISSING = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({missing!r}))
import pytest
import panoptic_ros.benchmarks.gpu as package
for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):
    importlib.import_module(module.name)
assert pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider', 'test/gpu']) == 0
from panoptic_ros.cli.benchmark import main
main(['gpu'])
"""


def test_it_needs_no_library_of_ros_of_recordings_or_of_onnx():
    """The machine with the GPU has Python, NumPy, OpenCV, numba, PyTorch, PyYAML and rich."""
    pytest.importorskip('torch')
    missing = ['rclpy', 'vision_msgs', 'rosbags', 'av', 'onnx', 'onnxruntime', 'onnxscript',
               'tensorrt', 'tensorrt_rtx', 'cityscapesscripts', 'hypothesis', 'pycuda']
    done = subprocess.run([sys.executable, '-c', MISSING.format(missing=missing)], cwd=ROOT,
                          env=os.environ | {'PYTEST_DISABLE_PLUGIN_AUTOLOAD': '1'},
                          capture_output=True, text=True, check=False)
    assert done.stderr.startswith('benchmark gpu: the GPU needs PyCUDA'), done.stderr
    assert done.returncode == 1
    assert 'test_blocks_of_any_size' in done.stdout
    assert 'test_ten_thousand_frames_leak_nothing' in done.stdout
