"""
``--quick``: the tests that have no mark, on what the runtime brings.

What a mark stands for is out of reach then, as on a machine that has only the runtime.  A test
that needs it fails and is told its mark, so the marks stay right.
"""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

MARKS = ('slow', 'build', 'compile', 'ros', 'torch', 'fleet', 'gpu')
"""pyproject.toml says what they stand for."""

MODULES = {'torch': 'torch', 'onnxscript': 'torch', 'safetensors': 'torch',
           'torchmetrics': 'torch', 'tensorrt': 'build', 'tensorrt_rtx': 'build',
           'colcon_core': 'build', 'cuda': 'compile', 'ray': 'fleet', 'fsspec': 'fleet',
           'moto': 'fleet', 'pycuda': 'gpu'}
"""What cannot be imported, and the mark of tests that import it."""

PROGRAMS = {'g++': 'compile', 'nvcc': 'compile', 'cmake': 'build', 'colcon': 'build'}
"""What cannot be started, and the mark of tests that start it."""

FIXTURES = {'rtx': 'build', 'cubin': 'compile'}
"""Fixtures whose tests have a mark without being given it."""

NO_DDS = {'ROS_SECURITY_ENABLE': 'true', 'ROS_SECURITY_STRATEGY': 'Enforce',
          'ROS_SECURITY_KEYSTORE': '/nowhere, as the test lacks the mark ros'}
"""With these no process joins DDS: each would need keys, and fails with the last of them."""

_import_or_skip = pytest.importorskip


def start(config: pytest.Config) -> None:
    """Leave out the tests with marks and shut off what they need, also in their processes."""
    wanted = [f'not {mark}' for mark in MARKS]
    if config.option.markexpr:
        wanted.append(f'({config.option.markexpr})')
    config.option.markexpr = ' and '.join(wanted)
    for name in MODULES:
        sys.modules[name] = None    # type: ignore[assignment]
    pytest.importorskip = _import_or_fail
    sys.addaudithook(_refuse_programs)
    os.environ.update(NO_DDS)


@lru_cache
def marks_in(file: Path) -> frozenset[str]:
    """Return the marks that any test of a file has, by its text: it need not be imported."""
    return frozenset(re.findall(r'pytest\.mark\.(\w+)', file.read_text(encoding='utf-8')))


@lru_cache
def marks_of_all(file: Path) -> frozenset[str]:
    """Return the marks that all tests of a file have, those of its line ``pytestmark = ...``."""
    lines = re.findall(r'^pytestmark = .*', file.read_text(encoding='utf-8'), re.M)
    return frozenset(re.findall(r'pytest\.mark\.(\w+)', ' '.join(lines)))


def _import_or_fail(name: str, *arguments: Any, **options: Any) -> Any:
    mark = MODULES.get(name.partition('.')[0])
    if mark:
        pytest.fail(f'{name} is imported without the mark {mark!r}')
    return _import_or_skip(name, *arguments, **options)


def _refuse_programs(event: str, arguments: tuple[Any, ...]) -> None:
    if event == 'subprocess.Popen':
        program, words = arguments[0], list(arguments[1])
        for word in (program, *words[1:3]):
            name = Path(os.fsdecode(word)).name if isinstance(word, (str, bytes, Path)) else ''
            if name in PROGRAMS:
                pytest.fail(f'{name} is started without the mark {PROGRAMS[name]!r}')
