"""The programs that the GPU benchmark runs: how they end, and how what they say is read."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from panoptic_ros.benchmarks.gpu import programs
from panoptic_ros.benchmarks.gpu.limit import Limit
from panoptic_ros.benchmarks.gpu.steps import FailedError, MissingError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def interpreter(monkeypatch, tmp_path):
    """Let another program take the interpreter's place."""
    def install(text):
        program = tmp_path / 'python.py'
        program.write_text(text)
        monkeypatch.setattr(programs, 'PYTHON', [sys.executable, str(program)])
    return install


HANGS = """
import subprocess, sys, time
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


def child_of(log):
    return int(log.read_text().split('child ')[1].split()[0])


def test_a_program_that_hangs_is_ended_with_its_children(interpreter, monkeypatch, tmp_path):
    interpreter(HANGS)
    monkeypatch.setattr(programs, 'GRACE', 0.5)
    with Limit(2) as limit, pytest.raises(FailedError, match=r'^it took longer than the 2 s that '
                                                             'were left: it hangs in pytest'):
        programs.run_tests(tmp_path / 'log', limit)
    assert 'interrupted' in (tmp_path / 'log').read_text()
    assert not is_alive(child_of(tmp_path / 'log'))


def test_a_benchmark_that_is_ended_ends_what_it_runs(interpreter, tmp_path):
    interpreter(HANGS)
    log = tmp_path / 'log'
    process = subprocess.Popen([sys.executable, '-c', (
        'from pathlib import Path\nfrom panoptic_ros.benchmarks.gpu import limit, programs\n'
        f'programs.PYTHON = {programs.PYTHON!r}\n'
        f'with limit.Limit(600) as within:\n    programs.run_tests(Path({str(log)!r}), within)')],
        cwd=ROOT)
    while not log.is_file() or 'child ' not in log.read_text() or not child_of(log):
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGTERM
    assert not is_alive(child_of(log))


def test_it_runs_from_any_folder_beside_any_other_package(interpreter, monkeypatch, tmp_path):
    interpreter('import panoptic_ros, sys\nprint(panoptic_ros.__file__, sys.path)\n')
    other = tmp_path / 'other' / 'panoptic_ros'
    other.mkdir(parents=True)
    (other / '__init__.py').write_text('raise ImportError("another package of that name")\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('PYTHONPATH', 'other')
    with Limit(60) as limit, pytest.raises(FailedError) as caught:
        programs.run_tests(tmp_path / 'log', limit)
    assert str(ROOT / 'panoptic_ros' / '__init__.py') in str(caught.value)
    assert str(tmp_path / 'other') in str(caught.value)


JUNIT = """<testsuites><testsuite><testcase classname="a" name="one"><properties>
<property name="free" value="1 MiB"/></properties>{first}</testcase>
<testcase classname="a" name="two">{second}</testcase></testsuite></testsuites>"""
TESTS = """import os, sys
file = next(word.partition('=')[2] for word in sys.argv if word.startswith('--junitxml='))
open(file, 'w').write({xml!r})
{end}
"""


def run_tests(interpreter, tmp_path, second, end, first=''):
    interpreter(TESTS.format(xml=JUNIT.format(first=first, second=second), end=end))
    with Limit(60) as limit:
        return programs.run_tests(tmp_path / 'log', limit)


@pytest.mark.parametrize(('second', 'text'), [
    ('', '2 passed'), ('<skipped message="no TensorRT"/>', '1 passed, 1 skipped: no TensorRT')])
def test_tests_that_pass(interpreter, tmp_path, second, text):
    assert run_tests(interpreter, tmp_path, second, '') == (text, {'free': '1 MiB'})


@pytest.mark.parametrize(('second', 'end', 'text'), [
    ('<failure message="x"/>', 'sys.exit(1)', '1 passed, 1 failed: a::two'),
    ('<error message="x"/>', 'sys.exit(1)', '1 passed, 1 failed: a::two'),
    ('', 'os.abort()', '2 passed; it ended with status -6: Fatal Python error')])
def test_tests_that_fail_or_crash_at_their_end(interpreter, tmp_path, second, end, text):
    with pytest.raises(FailedError) as caught:
        run_tests(interpreter, tmp_path, second, end)
    assert str(caught.value).startswith(text)


def test_tests_that_are_all_skipped_were_not_run(interpreter, tmp_path):
    skipped = '<skipped message="no compiler"/>'
    with pytest.raises(MissingError, match=r'^0 passed, 2 skipped: no compiler$'):
        run_tests(interpreter, tmp_path, skipped, '', skipped)


def test_without_a_checkout_there_are_no_tests(monkeypatch, tmp_path):
    monkeypatch.setattr(programs, 'ROOT', tmp_path)
    with Limit(60) as limit, pytest.raises(MissingError, match='run it from a checkout'):
        programs.run_tests(tmp_path / 'log', limit)


BEGUN = 'the GPU can be used\n'


@pytest.mark.parametrize(('tool', 'output', 'status', 'error'), [
    ('memcheck', BEGUN + '========= LEAK SUMMARY: 0 bytes\n========= ERROR SUMMARY: 0 errors', 0,
     None),
    ('memcheck', BEGUN + '========= ERROR SUMMARY: 10 errors', 99, FailedError),
    ('memcheck', BEGUN + '========= ERROR SUMMARY: 0 errors', 1, FailedError),
    ('memcheck', BEGUN + 'Killed', 137, FailedError),
    ('memcheck', 'Traceback\nImportError\n========= ERROR SUMMARY: 0 errors', 1, FailedError),
    ('memcheck', '========= Error: Target application terminated before first instrumented API '
                 'call: Device not supported', 1, MissingError),
    ('racecheck',
     BEGUN + '========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)', 0, None),
    ('racecheck',
     BEGUN + '========= RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)', 99,
     FailedError)])
def test_reading_the_sanitizer(tool, output, status, error):
    if error is None:
        assert programs.read_sanitizer(tool, status, output) == output.rpartition('SUMMARY: ')[2]
        return
    with pytest.raises(error) as caught:
        programs.read_sanitizer(tool, status, output)
    assert output.splitlines()[-1] in str(caught.value)
    assert ('no kernel ran' in str(caught.value)) == (error is MissingError)


def test_a_sanitizer_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setenv('CUDA_HOME', str(tmp_path))
    with Limit(60) as limit, pytest.raises(MissingError, match='install the CUDA toolkit'):
        programs.sanitize('memcheck', tmp_path / 'log', limit)
