"""Programs that the GPU benchmark runs: the gpu-marked tests and compute-sanitizer."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from . import kernel_cases
from .limit import Limit
from .steps import FailedError, MissingError

ROOT = Path(__file__).resolve().parents[3]
"""The folder of the package; in a checkout, the tests are beside the package."""
PYTHON = [sys.executable]
"""The command that starts the interpreter of the programs."""
GRACE = 3.
"""Seconds in which a program that took too long may write its results; as many remain then."""
SANITIZER = {'memcheck': 'ERROR SUMMARY', 'racecheck': 'RACECHECK SUMMARY'}
"""The tools of compute-sanitizer, and the beginning of each tool's summary."""

_TAIL = 15          # lines of output that a failure shows


def run_tests(log: Path, limit: Limit) -> tuple[str, dict[str, str]]:
    """
    Run the gpu-marked tests of the checkout; return how many passed, and the recorded properties.

    ``log`` receives the output of pytest.

    Raises
    ------
    MissingError
        There are no tests, pytest is not installed, or each test was skipped.
    FailedError
        A test failed, or the time was not enough.

    """
    if not (ROOT / 'test' / 'gpu').is_dir():
        raise MissingError('there are no tests beside the package: run it from a checkout')
    if find_spec('pytest') is None:
        raise MissingError('the tests need pytest: `pip install pytest hypothesis`')
    results, seconds = log.with_suffix('.xml'), limit.left()
    results.unlink(missing_ok=True)
    status, output = _run(['-m', 'pytest', '-m', 'gpu', 'test/gpu', '-v', '-p', 'no:cacheprovider',
                           '-o', f'faulthandler_timeout={max(1, seconds / 2):g}',
                           f'--junitxml={results}'], log, seconds)
    if not results.is_file():
        raise FailedError(_how(status, seconds) + _tail(output))
    text, recorded = _read_tests(results)
    results.unlink()
    if status == 1 and ' failed' in text:
        raise FailedError(text)
    if status:      # such as a crash at the end
        raise FailedError(f'{text}; {_how(status, seconds)}{_tail(output)}')
    if text.startswith('0 passed'):
        raise MissingError(text)
    return text, recorded


def sanitize(tool: str, log: Path, limit: Limit) -> str:
    """
    Run our kernels under a tool of compute-sanitizer; return its summary.

    ``log`` receives the tool's output.

    Raises
    ------
    MissingError
        compute-sanitizer was not found, or no kernel ran under it.
    FailedError
        The tool found errors, or the time was not enough.

    """
    home = os.environ.get('CUDA_HOME') or os.environ.get('CUDA_PATH') or '/usr/local/cuda'
    places = os.pathsep.join((f'{home}/bin', f'{home}/compute-sanitizer'))
    program = shutil.which('compute-sanitizer') or shutil.which('compute-sanitizer', path=places)
    if program is None:
        raise MissingError('compute-sanitizer was not found: install the CUDA toolkit, and put it '
                           'on PATH or set CUDA_HOME')
    leaks, seconds = ['--leak-check', 'full'] if tool == 'memcheck' else [], limit.left()
    status, output = _run(['-m', kernel_cases.__name__], log, seconds, before=[
        program, '--tool', tool, '--error-exitcode', '99', *leaks])
    if status is None:
        raise FailedError(_how(status, seconds) + _tail(output))
    return read_sanitizer(tool, status, output)


def read_sanitizer(tool: str, status: int, output: str) -> str:
    """Return the summary of compute-sanitizer; the errors are those of ``sanitize``."""
    if kernel_cases.BEGUN not in output and 'Traceback' not in output:
        raise MissingError(f'no kernel ran under compute-sanitizer: {_tail(output)}')
    summaries = re.findall(rf'{SANITIZER[tool]}: (.*)', output)
    if status == 0 and summaries and all(re.match('0 (errors|hazards)', s) for s in summaries):
        return '; '.join(summaries)
    raise FailedError(f'{"; ".join(summaries) or "no summary"}; {_how(status)}{_tail(output)}')


def _read_tests(results: Path) -> tuple[str, dict[str, str]]:
    """Return the outcomes in pytest's JUnit XML in words, and the properties of the tests."""
    cases = ElementTree.parse(results).findall('.//testcase')
    skipped = [skip.get('message', '') for case in cases for skip in case.findall('skipped')]
    broken = [f'{case.get("classname")}::{case.get("name")}' for case in cases
              if case.find('failure') is not None or case.find('error') is not None]
    text = f'{len(cases) - len(broken) - len(skipped)} passed'
    if broken:
        text += f', {len(broken)} failed: {", ".join(broken)}'
    if skipped:
        text += f', {len(skipped)} skipped: {"; ".join(sorted(set(skipped)))}'
    return text, {prop.get('name', ''): prop.get('value', '')
                  for case in cases for prop in case.findall('.//property')}


def _run(arguments: Sequence[str], log: Path, seconds: float, before: Sequence[str] = ()
         ) -> tuple[int | None, str]:
    """
    Run the interpreter from the root, with its output in a file; return status and output.

    If the program takes too long, it is ended with its children, and the status is None.  All of
    them are also ended if an exception ends the caller.
    """
    paths = [str(ROOT), *(os.path.abspath(path) for path in filter(
        None, os.environ.get('PYTHONPATH', '').split(os.pathsep)))]
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(paths), 'PYTHONUNBUFFERED': '1',
                                'PYTHONFAULTHANDLER': '1'}
    with log.open('w', encoding='utf-8') as output:
        process = subprocess.Popen([*before, *PYTHON, *arguments], cwd=ROOT, env=environment,
                                   stdout=output, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, start_new_session=True)
        late = False
        try:
            process.wait(max(0, seconds - 2 * GRACE))
        except subprocess.TimeoutExpired:
            late = True
            _end(process, signal.SIGINT)
        finally:
            _end(process, signal.SIGKILL)
    return None if late else process.returncode, log.read_text('utf-8', 'replace')


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Send a signal to a program and its children, and give it some time to end."""
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, how)
        process.wait(GRACE)


def _how(status: int | None, seconds: float = 0) -> str:
    late = f'it took longer than the {seconds:.0f} s that were left: '
    return late if status is None else f'it ended with status {status}: '


def _tail(output: str) -> str:
    return ' / '.join(output.splitlines()[-_TAIL:]) or 'no output'
