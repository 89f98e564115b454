"""``make gpu-report`` on doubles of a GPU and of compute-sanitizer, and where there is none."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOUBLED = ROOT / 'test' / 'support' / 'doubled_python.py'
TINY = ['--size', '64x128', '--camera', '64x128', '--rounds', '1', '--warm-up', '1']
SANITIZER = """#!/bin/sh
shift 4
test "$1" = --leak-check && shift 2
"$@" && echo '========= {summary}'
"""
TIME = datetime(2000, 1, 2, 3, 4, tzinfo=timezone.utc)


@pytest.fixture
def gpu_report(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location('gpu_report', ROOT / 'tools' / 'gpu_report.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, 'BUILD', tmp_path / 'build' / 'gpu')
    monkeypatch.setattr(module, 'DOCUMENT', tmp_path / 'docs' / 'gpu.md')
    handlers = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    yield module
    for name, handler in handlers.items():
        signal.signal(name, handler)


@pytest.fixture
def doubled(gpu_report, monkeypatch):
    monkeypatch.setattr(gpu_report, 'PYTHON', (sys.executable, str(DOUBLED)))
    return gpu_report


@pytest.fixture
def sanitizer(monkeypatch, tmp_path):
    """Put a compute-sanitizer on PATH that runs its program and finds what it is told."""
    def install(summary):
        program = tmp_path / 'bin' / 'compute-sanitizer'
        program.parent.mkdir(exist_ok=True)
        program.write_text(SANITIZER.format(summary=summary))
        program.chmod(0o755)
        monkeypatch.setenv('PATH', f'{program.parent}{os.pathsep}{os.environ["PATH"]}')
    return install


@pytest.fixture
def interpreter(gpu_report, monkeypatch, tmp_path):
    """Let another program take the interpreter's place."""
    def install(text):
        program = tmp_path / 'python.py'
        program.write_text(text)
        monkeypatch.setattr(gpu_report, 'PYTHON', (sys.executable, str(program)))
        gpu_report.BUILD.mkdir(parents=True, exist_ok=True)
    return install


def outcomes(text):
    rows = [line.split('|') for line in text.split('## What ran')[1].split('##')[0].splitlines()
            if line.startswith('|')][2:]
    return {row[1].strip(): row[2].strip() for row in rows}


def sections(text):
    return [line[3:] for line in text.splitlines() if line.startswith('## ')]


@pytest.mark.slow
def test_the_whole_report_on_doubles(doubled, sanitizer, monkeypatch, tmp_path, capsys):
    """All gpu-marked tests pass on the doubles, and the document holds what was measured."""
    sanitizer('ERROR SUMMARY: 0 errors\n========= RACECHECK SUMMARY: 0 hazards displayed')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    plan = tmp_path / 'tiny.plan'
    subprocess.run([sys.executable, str(DOUBLED), '-c', (
        'import gpu_machine\nfrom pathlib import Path\n'
        f'gpu_machine.build_plan(Path({str(tmp_path)!r}), None)')], check=True)
    status = doubled.main([*TINY, '--plan', str(plan), '--limit', '1800'])
    printed = capsys.readouterr().out
    assert status == 0, printed
    text = doubled.DOCUMENT.read_text()
    assert sections(text)[:3] == ['What ran', 'Memory over many frames', 'Machine']
    assert 'Batches of cameras' in sections(text)
    assert outcomes(text) == dict.fromkeys(
        ['gpu-marked tests', 'benchmark', 'memcheck', 'racecheck'], 'passed')
    assert list(outcomes(text)) == ['gpu-marked tests', 'benchmark', 'memcheck', 'racecheck']
    assert 'free on the GPU' in text
    assert 'Host GPU' in text
    report = json.loads((doubled.BUILD / 'benchmark.json').read_text())
    for case in report['grouping']:
        assert f'{case["ms"]["ours"]:.4g}' in text
    assert ' 0 failed, 0 skipped' in text
    everything = json.loads((doubled.BUILD / 'report.json').read_text())
    assert everything['benchmark'] == report
    assert [part['outcome'] for part in everything['parts']] == ['passed'] * 4
    assert 'test_every_size_of_block' in (doubled.BUILD / 'tests.log').read_text()
    for tool in ('memcheck', 'racecheck'):
        log = (doubled.BUILD / f'{tool}.log').read_text()
        assert log.count(': 0 pixels differ') == 4


@pytest.mark.slow
def test_the_gpu_tests_pass_with_pytorch_too(monkeypatch):
    pytest.importorskip('torch')
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'nothing')
    done = subprocess.run(
        [sys.executable, str(DOUBLED), '-m', 'pytest', '-q', '-p', 'no:cacheprovider',
         'test/gpu/test_gpu_whole_path.py', '-k', 'not out_of_bounds and not opened'],
        cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert '8 passed' in done.stdout, done.stdout
    assert 'skipped' not in done.stdout


def test_without_a_gpu_nothing_is_written(gpu_report, interpreter, capsys):
    interpreter('import sys\nsys.modules["pycuda"] = None\nexec(sys.argv[2])\n')
    assert gpu_report.main([]) == 1
    assert not gpu_report.DOCUMENT.exists()
    printed = capsys.readouterr()
    assert not printed.out
    line, = printed.err.splitlines()
    assert line.startswith('gpu-report: nothing was measured and nothing written: ')
    assert 'pip install pycuda' in line


def test_an_interpreter_that_lacks_the_package(gpu_report, interpreter, capsys):
    interpreter('raise SystemExit("No module named yaml")\n')
    assert gpu_report.main([]) == 1
    assert 'No module named yaml' in capsys.readouterr().err


def test_it_runs_from_any_folder_beside_any_other_package(tmp_path):
    other = tmp_path / 'other' / 'panoptic_ros'
    other.mkdir(parents=True)
    (other / '__init__.py').write_text('raise ImportError("another package of that name")\n')
    program = (
        'import importlib.util\n'
        f'spec = importlib.util.spec_from_file_location("gpu_report", '
        f'{str(ROOT / "tools" / "gpu_report.py")!r})\n'
        'module = importlib.util.module_from_spec(spec)\n'
        'spec.loader.exec_module(module)\n'
        'print(module.render([], None, module.datetime(2000, 1, 1)))\n'
        'from pathlib import Path\n'
        'done = module._run(["-c", "import panoptic_ros, sys; print(panoptic_ros.__file__); '
        'print(sys.path)"], Path("log"), 60)\n'
        'print(done.output)\n')
    done = subprocess.run([sys.executable, '-c', program], cwd=tmp_path, text=True, check=False,
                          env=os.environ | {'PYTHONPATH': 'other'}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert '# Measured on a GPU' in done.stdout
    assert str(ROOT / 'panoptic_ros' / '__init__.py') in done.stdout
    assert str(tmp_path / 'other') in done.stdout


HANGS = """
import subprocess, sys, time
if sys.argv[1] == '-c':
    sys.exit()
print('it hangs in', sys.argv[2], flush=True)
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
print('child', child.pid, flush=True)
while True:
    try:
        time.sleep(600)
    except KeyboardInterrupt:
        print('interrupted', flush=True)
"""


def is_alive(pid):
    try:
        return ') Z' not in Path(f'/proc/{pid}/stat').read_text()
    except FileNotFoundError:
        return False


def test_a_part_that_hangs_is_ended_with_its_children(gpu_report, interpreter, monkeypatch,
                                                      tmp_path, capsys):
    interpreter(HANGS)
    monkeypatch.setattr(gpu_report.limited_program, 'GRACE', 0.5)
    monkeypatch.setenv('PATH', '')
    monkeypatch.setenv('CUDA_HOME', str(tmp_path))
    start = time.monotonic()
    assert gpu_report.main(['--limit', '1']) == 1
    assert time.monotonic() - start < 60
    text = gpu_report.DOCUMENT.read_text()
    assert outcomes(text) == {'gpu-marked tests': 'failed', 'benchmark': 'failed',
                              'memcheck': 'not run', 'racecheck': 'not run'}
    assert text.count('took longer than 1 s: it hangs in') == 2
    for name in ('tests', 'benchmark'):
        log = (gpu_report.BUILD / f'{name}.log').read_text()
        assert 'interrupted' in log
        assert not is_alive(int(log.split('child ')[1].split()[0]))


def test_after_each_part_all_is_on_disk(gpu_report, interpreter, monkeypatch):
    interpreter('')
    seen = []

    def run(name):
        def part(*_):
            seen.append(outcomes(gpu_report.DOCUMENT.read_text()))
            content = json.loads((gpu_report.BUILD / 'report.json').read_text())
            assert {p['name']: p['outcome'] for p in content['parts']} == seen[-1]
            return gpu_report.Part(name, 'x', gpu_report.PASSED, 'good', {})
        return part

    monkeypatch.setattr(gpu_report, 'run_tests', run('gpu-marked tests'))
    monkeypatch.setattr(gpu_report, 'run_benchmark', run('benchmark'))
    monkeypatch.setattr(gpu_report, 'run_sanitizer', lambda tool, *_: run(tool)())
    assert gpu_report.main([]) == 0
    seen.append(outcomes(gpu_report.DOCUMENT.read_text()))
    assert [list(ran.values()).count('passed') for ran in seen] == [0, 1, 2, 3, 4]
    assert list(seen[0]) == ['gpu-marked tests', 'benchmark', 'memcheck', 'racecheck']


ELSEWHERE = """
import sys
sys.path.insert(0, {tools!r})
import gpu_report
gpu_report.PYTHON = {python!r}
sys.exit(gpu_report.main({words!r}))
"""


def test_a_report_that_is_ended_ends_what_it_runs(gpu_report, interpreter, tmp_path):
    interpreter(HANGS)
    words = ['--output', str(tmp_path / 'logs'), '--document', str(tmp_path / 'gpu.md')]
    process = subprocess.Popen([sys.executable, '-c', ELSEWHERE.format(
        tools=str(ROOT / 'tools'), python=gpu_report.PYTHON, words=words)])
    log, content = tmp_path / 'logs' / 'tests.log', ''
    while 'child' not in content:       # it is written while the part runs
        assert process.poll() is None
        time.sleep(0.1)
        content = log.read_text() if log.is_file() else ''
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM
    assert not is_alive(int(content.split('child ')[1].split()[0]))
    assert outcomes((tmp_path / 'gpu.md').read_text())['benchmark'] == 'not run'


PARTIAL = """
import json, sys, time
if sys.argv[1] == '-c' or 'pytest' in sys.argv:
    sys.exit()
with open(sys.argv[sys.argv.index('--json') + 1], 'w') as file:
    json.dump({{'rounds': 1, 'machine': {{'gpu': 'Host GPU'}}, 'grouping': [],
               'not_measured': {{'path': 'RuntimeError: broken'}}, 'failed': ['path']}}, file)
{then}
"""


@pytest.mark.parametrize('then', ['time.sleep(600)', 'sys.exit("benchmark gpu: path: broken")'])
def test_figures_of_a_benchmark_that_does_not_end_well_are_kept(
        gpu_report, interpreter, monkeypatch, tmp_path, then):
    interpreter(PARTIAL.format(then=then))
    monkeypatch.setenv('PATH', '')
    monkeypatch.setenv('CUDA_HOME', str(tmp_path))
    assert gpu_report.main(['--limit', '3']) == 1
    text = gpu_report.DOCUMENT.read_text()
    assert outcomes(text)['benchmark'] == 'failed'
    assert 'Host GPU' in text
    assert 'RuntimeError: broken' in text


def test_the_parts_are_rendered(gpu_report):
    parts = [gpu_report.Part('tests', 'a | b', gpu_report.FAILED, 'one\nline', {'free': '3 MiB'}),
             gpu_report.Part('racecheck', 'c', gpu_report.NOT_RUN, 'no such program', {})]
    text = gpu_report.render(parts, None, TIME)
    assert sections(text) == ['What ran', 'Memory over many frames']
    assert '2000-01-02 03:04 UTC' in text
    assert 'a \\| b' in text
    assert 'one line' in text
    assert 'no such program' in text
    assert '3 MiB' in text


JUNIT = """<testsuites><testsuite><testcase classname="a" name="one"><properties>
<property name="free" value="1 MiB"/></properties></testcase>
<testcase classname="a" name="two">{second}</testcase></testsuite></testsuites>"""


@pytest.mark.parametrize(('second', 'outcome', 'detail'), [
    ('', 'passed', '2 passed, 0 failed, 0 skipped'),
    ('<skipped message="no TensorRT"/>', 'passed', '1 passed, 0 failed, 1 skipped (no TensorRT)'),
    ('<failure message="x"/>', 'failed', '1 passed, 1 failed, 0 skipped: a::two'),
    ('<error message="x"/>', 'failed', '1 passed, 1 failed, 0 skipped: a::two')])
def test_reading_test_results(gpu_report, second, outcome, detail):
    part = gpu_report.read_tests(JUNIT.format(second=second), 'pytest')
    assert (part.outcome, part.detail) == (outcome, detail)
    assert part.figures == {'free': '1 MiB'}


RAN = '128x256, 30 instances, float32, 8 warps: 0 pixels differ\n'


@pytest.mark.parametrize(('tool', 'output', 'status', 'outcome'), [
    ('memcheck', RAN + '========= LEAK SUMMARY: 0 bytes\n========= ERROR SUMMARY: 0 errors', 0,
     'passed'),
    ('memcheck', RAN + '========= ERROR SUMMARY: 10 errors', 99, 'failed'),
    ('memcheck', RAN + '========= ERROR SUMMARY: 0 errors', 1, 'failed'),
    ('memcheck', '========= Invalid __global__ write of size 4 bytes\nTraceback\nDeviceError\n'
                 '========= ERROR SUMMARY: 1 error', 99, 'failed'),
    ('memcheck', 'Killed', 137, 'failed'),
    ('memcheck', '========= Error: Target application terminated before first instrumented API '
                 'call: Device not supported', 1, 'not run'),
    ('memcheck', 'gpu_cases: CUDA cannot start: cuInit failed: initialization error\n'
                 '========= ERROR SUMMARY: 1 error', 1, 'not run'),
    ('memcheck', '========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors', 0, 'not run'),
    ('racecheck',
     RAN + '========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)', 0,
     'passed'),
    ('racecheck',
     RAN + '========= RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)', 99,
     'failed')])
def test_reading_the_sanitizer(gpu_report, tool, output, status, outcome):
    part = gpu_report.read_sanitizer(tool, tool, status, output)
    assert part.outcome == outcome
    if outcome == 'not run':
        assert 'no kernel ran under compute-sanitizer: ' in part.detail
        assert output.splitlines()[0].strip('= ') in part.detail
    else:
        assert output.rpartition('\n')[2].rpartition(': ')[2] in part.detail


def test_a_sanitizer_that_is_not_there(gpu_report, monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setenv('CUDA_HOME', str(tmp_path))
    part = gpu_report.run_sanitizer('memcheck', tmp_path, 1)
    assert part.outcome == 'not run'
    assert 'install the CUDA toolkit' in part.detail


def test_a_benchmark_that_fails_is_reported(gpu_report, interpreter):
    interpreter('raise SystemExit("benchmark gpu: no memory")\n')
    part = gpu_report.run_benchmark(gpu_report.BUILD, 60, ['--rounds', '3'])
    assert part.outcome == 'failed'
    assert 'no memory' in part.detail
    assert part.command == 'python -m panoptic_ros.cli.benchmark gpu --rounds 3'


def test_tests_that_crash_at_their_end_have_not_passed(gpu_report, interpreter):
    interpreter(f'import os, sys\nopen(sys.argv[-3].partition("=")[2], "w").write('
                f'{JUNIT.format(second="")!r})\nos.abort()\n')
    part = gpu_report.run_tests(gpu_report.BUILD, 60)
    assert part.outcome == 'failed'
    assert part.detail.startswith('2 passed, 0 failed, 0 skipped; then status -6')


MISSING = """
import runpy
import sys

class Missing:
    @staticmethod
    def find_spec(name, *_):
        if name.partition('.')[0] in {missing!r}:
            raise ModuleNotFoundError(f'No module named {{name!r}}', name=name)

sys.meta_path.insert(0, Missing)
sys.argv = list({words!r})
runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)
"""


def run_without(missing, *words):
    return subprocess.run([sys.executable, '-c', MISSING.format(missing=missing, words=words)],
                          cwd=ROOT, capture_output=True, text=True, check=False)


def test_without_hypothesis_the_other_tests_are_there():
    done = run_without(['hypothesis'], 'pytest', '--collect-only', '-q', '-p',
                       'no:hypothesispytest', '-p', 'no:cacheprovider', 'test/gpu')
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'test_every_size_of_block' in done.stdout
    assert 'test_ten_thousand_frames_leak_nothing' in done.stdout


def test_the_benchmark_needs_no_library_of_other_benchmarks():
    done = run_without(['pycuda', 'rclpy', 'onnxruntime', 'onnx', 'rosbags', 'av', 'torch',
                        'tensorrt', 'tensorrt_rtx', 'vision_msgs', 'cityscapesscripts'],
                       'panoptic_ros.cli.benchmark', 'gpu')
    assert done.returncode == 1
    assert done.stderr.startswith('benchmark gpu: the GPU needs PyCUDA')
