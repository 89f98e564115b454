"""``make gpu-report`` on doubles of a GPU and of compute-sanitizer, and where there is none."""

import importlib.util
import json
import os
import subprocess
import sys
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
    return module


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
    status = doubled.main([*TINY, '--plan', str(plan)])
    printed = capsys.readouterr().out
    assert status == 0, printed
    text = doubled.DOCUMENT.read_text()
    assert sections(text)[:3] == ['What ran', 'Memory over many frames', 'Machine']
    assert 'Batches of cameras' in sections(text)
    rows = text.split('## What ran')[1].split('##')[0].splitlines()[4:8]
    assert [row.split('|')[1].strip() for row in rows] == [
        'gpu-marked tests', 'memcheck', 'racecheck', 'benchmark']
    assert all(row.split('|')[2].strip() == 'passed' for row in rows)
    assert 'free on the GPU' in text
    assert 'Host GPU' in text
    report = json.loads((doubled.BUILD / 'benchmark.json').read_text())
    for case in report['grouping']:
        assert f'{case["ms"]["ours"]:.4g}' in text
    assert ' 0 failed, 0 skipped' in text


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


def test_without_a_gpu_nothing_is_written(gpu_report, monkeypatch, tmp_path, capsys):
    program = tmp_path / 'python'
    program.write_text(
        'import sys\nsys.modules["pycuda"] = None\nexec(sys.argv[2])\n')
    monkeypatch.setattr(gpu_report, 'PYTHON', (sys.executable, str(program)))
    assert gpu_report.main([]) == 1
    assert not gpu_report.DOCUMENT.exists()
    printed = capsys.readouterr()
    assert not printed.out
    line, = printed.err.splitlines()
    assert line.startswith('gpu-report: nothing was measured and nothing written: ')
    assert 'pip install pycuda' in line


def test_an_interpreter_that_lacks_the_package(gpu_report, monkeypatch, tmp_path, capsys):
    program = tmp_path / 'python'
    program.write_text('raise SystemExit("No module named yaml")\n')
    monkeypatch.setattr(gpu_report, 'PYTHON', (sys.executable, str(program)))
    assert gpu_report.main([]) == 1
    assert 'No module named yaml' in capsys.readouterr().err


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


@pytest.mark.parametrize(('tool', 'output', 'status', 'outcome'), [
    ('memcheck', '========= LEAK SUMMARY: 0 bytes\n========= ERROR SUMMARY: 0 errors', 0,
     'passed'),
    ('memcheck', '========= ERROR SUMMARY: 10 errors', 99, 'failed'),
    ('memcheck', '========= ERROR SUMMARY: 0 errors', 1, 'failed'),
    ('memcheck', 'Killed', 137, 'failed'),
    ('racecheck', '========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)', 0,
     'passed'),
    ('racecheck', '========= RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)', 99,
     'failed')])
def test_reading_the_sanitizer(gpu_report, tool, output, status, outcome):
    part = gpu_report.read_sanitizer(tool, tool, status, output)
    assert part.outcome == outcome
    assert output.rpartition(': ')[2].split('\n')[0] in part.detail


def test_a_sanitizer_that_is_not_there(gpu_report, monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setenv('CUDA_HOME', str(tmp_path))
    part = gpu_report.run_sanitizer('memcheck')
    assert part.outcome == 'not run'
    assert 'install the CUDA toolkit' in part.detail


def test_a_benchmark_that_fails_is_reported(gpu_report, monkeypatch, tmp_path):
    program = tmp_path / 'python'
    program.write_text('raise SystemExit("benchmark gpu: no memory")\n')
    monkeypatch.setattr(gpu_report, 'PYTHON', (sys.executable, str(program)))
    part, report = gpu_report.run_benchmark(['--rounds', '3'])
    assert report is None
    assert part.outcome == 'failed'
    assert 'no memory' in part.detail
    assert part.command.endswith('benchmark gpu --rounds 3')


@pytest.mark.slow
def test_the_cases_for_the_sanitizer_are_right():
    done = subprocess.run([sys.executable, str(DOUBLED), 'tools/gpu_cases.py'], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(': 0 pixels differ') == 4
