"""The set-up: make's targets, its steps, and what it says when something is missing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ('setup', 'demo', 'test', 'quick', 'lowest', 'lint', 'benchmark', 'clean', 'help')


def step(tmp_path, *command):
    words = [sys.executable, ROOT / 'tools/step.py', 'Title', tmp_path / 'a/step.log', *command]
    return subprocess.run(words, capture_output=True, text=True)


def test_a_step_that_succeeds_is_two_lines(tmp_path):
    done = step(tmp_path, 'echo', 'details')
    assert done.returncode == 0
    assert re.fullmatch(r'Title \.\.\.\nTitle: done in [\d.]+ s\n', done.stdout)
    assert done.stderr == ''
    assert (tmp_path / 'a/step.log').read_text() == 'details\n'


def test_a_step_that_fails_shows_the_end_of_its_log(tmp_path):
    done = step(tmp_path, 'sh', '-c', 'seq 100; echo the cause >&2; exit 3')
    assert done.returncode == 3
    assert 'Title: FAILED' in done.stdout
    lines = done.stderr.splitlines()
    assert lines[-2:] == ['    the cause', f'All of it: {tmp_path / "a/step.log"}']
    assert '    99' in lines
    assert '    50' not in lines


def test_without_a_compiler_the_line_that_installs_one_is_named(tmp_path):
    (tmp_path / 'bin').mkdir()
    done = subprocess.run(
        [sys.executable, ROOT / 'interfaces/build.py', 'uv', ROOT / 'requirements',
         tmp_path / 'wheels'], capture_output=True, text=True,
        env={**os.environ, 'PATH': str(tmp_path / 'bin')})
    assert done.returncode == 1
    assert 'sudo apt-get install build-essential' in done.stderr


@pytest.mark.skipif(shutil.which('make') is None, reason='make is not installed')
def test_make_lists_its_targets():
    listed = subprocess.run(['make', '-C', ROOT], capture_output=True, text=True).stdout
    for target in TARGETS:
        assert re.search(rf'^  make {target} +\w', listed, re.M), target


def test_a_quick_run_needs_no_more_than_the_runtime():
    """A newcomer need not wait for PyTorch and TensorRT."""
    listed = re.findall(r'^\$\(DONE\)/(\w+):(.*)', (ROOT / 'Makefile').read_text(), re.M)
    steps = {name: re.findall(r'\$\(DONE\)/(\w+)', needs) for name, needs in listed}

    def all_of(name):
        return {name}.union(*map(all_of, steps[name]))

    assert all_of('quick') == {'quick', 'package', 'runtime', 'uv'}
    assert all_of('byte_code') == {'byte_code', 'demo', 'vision_msgs'} | all_of('quick')
    assert {'quick', 'train', 'gpu'} <= all_of('test')


def test_ros_wheels_are_pinned():
    for name in ('ros.txt', 'ros_build.txt'):
        for line in (ROOT / 'requirements' / name).read_text().splitlines():
            if line.startswith('ros-'):
                assert re.fullmatch(r'[\w\[\]-]+==[\d.]+', line), line


def test_linters_are_pinned_and_apart_from_the_tests():
    """A new version of one finds other things: that is no fault of who runs `make test`."""
    lines = [line for line in (ROOT / 'requirements/lint.txt').read_text().splitlines()
             if line and not line.startswith('#')]
    pinned = {line.partition('==')[0] for line in lines if re.fullmatch(r'[\w-]+==[\d.]+', line)}
    assert len(pinned) == len(lines)
    assert {'mypy', 'numpy', 'ruff'} <= pinned
    for name in ('quick', 'test'):
        tools = (ROOT / f'requirements/{name}.txt').read_text()
        assert not re.search('^(mypy|ruff)', tools, re.M)
    for configuration in ('.pre-commit-config.yaml', 'Makefile'):
        text = (ROOT / configuration).read_text()
        assert not re.search(r'(\.venv|\$\(BIN\))/bin/(ruff|mypy)', text), configuration


def test_continuous_integration_runs_what_the_readme_tells_and_then_the_linters():
    script = ROOT / '.ci' / 'run'
    assert os.access(script, os.X_OK)
    commands = [line for line in script.read_text().splitlines() if line.startswith('make ')]
    assert commands == ['make quick', 'make test', 'make lint']
    for target in ('quick', 'test'):
        assert f'make {target}' in (ROOT / 'README.md').read_text()
