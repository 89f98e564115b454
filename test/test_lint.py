"""The whole tree passes the linters: what `make lint` and pre-commit run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize('command', [('ruff', 'check'), ('mypy',)], ids=lambda c: c[0])
def test_linter_finds_nothing(command: tuple[str, ...]) -> None:
    pytest.importorskip(command[0])
    done = subprocess.run([sys.executable, '-m', *command], cwd=ROOT, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout + done.stderr
