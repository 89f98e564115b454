"""What is said where a library cannot be imported is why."""

import subprocess
import sys
from importlib import import_module

import cv2
import numpy as np
import pytest

from panoptic_ros.libraries import LibraryError, needed, why_not

INSTALL = 'pip install fancy'


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that installs the library ``fancy``, whose import executes some source."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, 'fancy', raising=False)

    def install(source):
        (tmp_path / 'fancy.py').write_text(source)
    yield install
    sys.modules.pop('fancy', None)


def failure(module='fancy'):
    with pytest.raises(LibraryError) as caught, needed('drawing', 'fancy', INSTALL, 'Fancy'):
        import_module(module)
    return str(caught.value)


def failure_of_fancy():
    with needed('drawing', 'fancy', INSTALL, 'Fancy'):
        import_module('fancy')


def test_what_is_not_there_is_to_be_installed():
    assert failure() == 'drawing needs Fancy, which is not installed: `pip install fancy`'


@pytest.mark.parametrize('source', [
    'raise ImportError("libfancy.so.1: cannot open shared object file")',
    'raise OSError("libfancy.so.1: cannot open shared object file")',
    'from sys import nothing_of_that_name', 'import json.nothing_of_that_name'])
def test_what_is_there_and_fails_is_not(install, source):
    install(source)
    line = failure()
    assert 'drawing needs Fancy, which is installed and cannot be imported (' in line
    assert 'libfancy.so.1' in line or 'nothing_of_that_name' in line
    assert 'pip install' not in line


def test_what_it_needs_itself_is_named(install):
    install('import no_library_of_that_name')
    assert failure() == ('drawing needs no_library_of_that_name, which is not installed: '
                         '`pip install fancy`')


def test_a_part_that_a_version_lacks_is_no_library_that_is_missing(install):
    install('')
    assert 'is installed and cannot be imported (ModuleNotFoundError: ' in failure('fancy.part')


def test_the_innermost_reason_stands():
    with pytest.raises(LibraryError) as caught, needed('painting', 'other', 'install other'):
        failure_of_fancy()
    assert str(caught.value) == 'drawing needs Fancy, which is not installed: `pip install fancy`'
    assert why_not(caught.value, 'painting', 'other', '') == str(caught.value)


def test_a_broken_onnx_runtime_is_told_from_a_missing_one(tmp_path, tiny_onnx):
    package = tmp_path / 'onnxruntime'
    package.mkdir()
    cv2.imwrite(str(tmp_path / 'picture.png'), np.zeros((64, 128, 3), np.uint8))
    (package / '__init__.py').write_text('raise ImportError("libcudart.so.12 is missing")')
    done = subprocess.run(
        [sys.executable, '-c', f'import sys; sys.path.insert(0, {str(tmp_path)!r})\n'
         'from panoptic_ros.cli.segment import main\n'
         f'main(["picture.png", "-o", "out.png", "--model", {str(tiny_onnx)!r}])'],
        cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.endswith(
        'segment: running .onnx models needs ONNX Runtime, which is installed and cannot be '
        'imported (ImportError: libcudart.so.12 is missing): mend that, or install it again\n')
