"""The marks of tests: described, and held to by `make quick`, which runs all that have none."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import quick_run
from examples import examples
from hypothesis import settings

TEST = Path(__file__).parent
UNMARKED = """
import subprocess
import sys

import pytest

def test_plain():
    pass

@pytest.mark.torch
def test_marked():
    import torch

def test_torch():
    import torch

def test_torch_or_nothing():
    pytest.importorskip('torch')

def test_compiler():
    subprocess.run(['g++', '--version'])

def test_colcon():
    subprocess.run([sys.executable, '-m', 'colcon'])

def test_dds():
    import rclpy
    rclpy.init(domain_id=1)

def test_dds_of_another_process():
    done = subprocess.run([sys.executable, '-c', 'import rclpy; rclpy.init()'],
                          capture_output=True, text=True)
    assert not done.stderr
"""


def test_every_mark_is_described():
    listed = re.findall(r'^    "(\w+): \w+', (TEST.parent / 'pyproject.toml').read_text(), re.M)
    assert tuple(listed) == quick_run.MARKS
    told = (TEST.parent / 'CONTRIBUTING.md').read_text()
    assert not [mark for mark in quick_run.MARKS if f'| `{mark}` |' not in told]
    assert {*quick_run.MODULES.values(), *quick_run.PROGRAMS.values(),
            *quick_run.FIXTURES.values()} <= {*quick_run.MARKS}


@pytest.mark.slow
def test_who_lacks_a_mark_is_told(tmp_path):
    file = tmp_path / 'test_unmarked.py'
    file.write_text(UNMARKED)
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-p', 'conftest', '-p', 'no:cacheprovider', '--quick',
         '-q', '--tb=line', '-c', TEST.parent / 'pyproject.toml', file],
        cwd=tmp_path, env=os.environ | {'PYTHONPATH': str(TEST)}, capture_output=True, text=True)
    said = done.stdout
    assert '6 failed, 1 passed, 1 deselected' in said, said + done.stderr
    assert 'import of torch halted' in said
    assert "torch is imported without the mark 'torch'" in said
    assert "g++ is started without the mark 'compile'" in said
    assert "colcon is started without the mark 'build'" in said
    assert said.count('as the test lacks the mark ros') >= 2


def test_marks_are_read_without_importing_a_file(tmp_path):
    file = tmp_path / 'test_it.py'
    file.write_text('pytestmark = [pytest.mark.torch, pytest.mark.build]\n\n\n'
                    '@pytest.mark.ros\ndef test_it():\n    raise ImportError\n')
    assert quick_run.marks_of_all(file) == {'torch', 'build'}
    assert quick_run.marks_in(file) == {'torch', 'build', 'ros'}


@pytest.mark.parametrize(('profile', 'expected'), [
    ('same', [300, 30, 1]), ('quick', [60, 6, 1]), ('search', [6000, 600, 20])])
def test_a_profile_counts_for_every_property(profile, expected, monkeypatch):
    monkeypatch.setattr('examples.settings',
                        SimpleNamespace(default=settings.get_profile(profile)))
    assert [examples(usual) for usual in (300, 30, 1)] == expected


def test_no_property_says_how_many_examples_by_itself():
    alone = re.compile(r'max_examples=(?!examples\()|@settings\(.*deadline=')
    files = [file.name for file in TEST.rglob('test_*.py')
             if file != Path(__file__) and alone.search(file.read_text())]
    assert not files, 'let max_examples be examples(...), of support/examples.py'
