"""
Test and measure the GPU path on this machine, and write docs/gpu.md: ``gpu_report.py [OPTIONS]``.

It runs the gpu-marked tests, compute-sanitizer (memcheck and racecheck) on our kernels, and the
benchmark; OPTIONS are those of ``benchmark gpu``.  What cannot run is reported with its reason.
Without a GPU nothing is written.  Any interpreter will do that has what the package and pytest
need: where there is no .venv, ``PYTHONPATH=. python3 tools/gpu_report.py``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / 'build' / 'gpu'
DOCUMENT = ROOT / 'docs' / 'gpu.md'
PYTHON = (sys.executable,)
"""Starts the interpreter that everything runs with."""
CASES = 'tools/gpu_cases.py'
SANITIZER_TOOLS = {'memcheck': 'ERROR SUMMARY', 'racecheck': 'RACECHECK SUMMARY'}
_INSTALL_SANITIZER = ('compute-sanitizer was not found: install the CUDA toolkit, and put it on '
                      'PATH or set CUDA_HOME')
_TAIL = 15          # lines of output that a failure shows
PASSED, FAILED, NOT_RUN = 'passed', 'failed', 'not run'


class Part(NamedTuple):
    """What came of one part of the report."""

    name: str
    command: str
    outcome: str
    detail: str
    """In words, one line."""
    figures: dict[str, str]
    """What it measured beside passing, by name."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run all parts and write the document; return 1 if one failed or there is no GPU."""
    options = list(sys.argv[1:] if argv is None else argv)
    if {'-h', '--help'} & set(options):
        print(__doc__)
        return 0
    reason = why_not()
    if reason is not None:
        print(f'gpu-report: nothing was measured and nothing written: {reason}', file=sys.stderr)
        return 1
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    parts = [run_tests(), *(run_sanitizer(tool) for tool in SANITIZER_TOOLS)]
    part, report = run_benchmark(options)
    parts.append(part)
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(render(parts, report, datetime.now(timezone.utc)), encoding='utf-8')
    for done in parts:
        print(f'{done.name}: {done.outcome}: {done.detail}')
    print(f'written: {DOCUMENT}')
    return 1 if any(part.outcome == FAILED for part in parts) else 0


def why_not() -> str | None:
    """Say why nothing can be measured here, or None where it can."""
    done = _run(['-c', 'import sys\nfrom panoptic_ros.device import Device, DeviceError\n'
                 'try:\n    Device.open().close()\nexcept DeviceError as error:\n'
                 '    print(error)\n    sys.exit(1)'], BUILD.parent / 'gpu_device.log')
    if done.returncode == 0:
        return None
    lines = done.stdout.splitlines()
    return lines[-1] if lines else f'the interpreter ended with status {done.returncode}'


def run_tests() -> Part:
    """Run the gpu-marked tests."""
    results = BUILD / 'tests.xml'
    arguments = ['-m', 'pytest', '-m', 'gpu', 'test/gpu']
    done = _run([*arguments, '-p', 'no:cacheprovider', f'--junitxml={results}'],
                BUILD / 'tests.log', 'tests')
    command = f'python {" ".join(arguments)}'
    if not results.is_file():
        return Part('gpu-marked tests', command, FAILED, _tail(done.stdout), {})
    return read_tests(results.read_text(encoding='utf-8'), command)


def read_tests(text: str, command: str) -> Part:
    """Return what pytest's JUnit XML says."""
    cases = ElementTree.fromstring(text).findall('.//testcase')
    skipped = [case.find('skipped') for case in cases]
    reasons = sorted({skip.get('message', '') for skip in skipped if skip is not None})
    broken = [f'{case.get("classname")}::{case.get("name")}' for case in cases
              if case.find('failure') is not None or case.find('error') is not None]
    count = sum(skip is not None for skip in skipped)
    detail = f'{len(cases) - len(broken) - count} passed, {len(broken)} failed, {count} skipped'
    if reasons:
        detail += f' ({"; ".join(reasons)})'
    if broken:
        detail += f': {", ".join(broken)}'
    figures = {prop.get('name', ''): prop.get('value', '')
               for case in cases for prop in case.findall('.//property')}
    outcome = FAILED if broken else PASSED if len(cases) > count else NOT_RUN
    return Part('gpu-marked tests', command, outcome, detail, figures)


def run_sanitizer(tool: str) -> Part:
    """Let compute-sanitizer watch our kernels with one of its tools."""
    command = f'compute-sanitizer --tool {tool} python {CASES}'
    home = os.environ.get('CUDA_HOME') or os.environ.get('CUDA_PATH') or '/usr/local/cuda'
    sanitizer = shutil.which('compute-sanitizer') or shutil.which(
        'compute-sanitizer', path=os.pathsep.join((f'{home}/bin', f'{home}/compute-sanitizer')))
    if sanitizer is None:
        return Part(tool, command, NOT_RUN, _INSTALL_SANITIZER, {})
    done = _run([CASES], BUILD / f'{tool}.log', tool,
                before=[sanitizer, '--tool', tool, '--error-exitcode', '99',
                        *(['--leak-check', 'full'] if tool == 'memcheck' else [])])
    return read_sanitizer(tool, command, done.returncode, done.stdout)


def read_sanitizer(tool: str, command: str, status: int, output: str) -> Part:
    """Return what compute-sanitizer says at its end."""
    summaries = re.findall(rf'{SANITIZER_TOOLS[tool]}: (.*)', output)
    if not summaries:
        return Part(tool, command, FAILED, f'no summary, status {status}: {_tail(output)}', {})
    clean = status == 0 and all(re.match('0 (errors|hazards)', line) for line in summaries)
    return Part(tool, command, PASSED if clean else FAILED,
                f'{"; ".join(summaries)}, status {status}', {})


def run_benchmark(options: Sequence[str]) -> tuple[Part, dict[str, Any] | None]:
    """Run the benchmark; return what came of it, and its report."""
    report = BUILD / 'benchmark.json'
    done = _run(['-m', 'panoptic_ros.benchmarks.gpu', '--json', str(report), *options],
                BUILD / 'benchmark.log', 'benchmark')
    command = ' '.join(['python -m panoptic_ros.cli.benchmark gpu', *options])
    if done.returncode or not report.is_file():
        return Part('benchmark', command, FAILED, _tail(done.stdout), {}), None
    content = json.loads(report.read_text(encoding='utf-8'))
    detail = 'all was measured'
    if content['not_measured']:
        detail = f'without {", ".join(content["not_measured"])}, see the end of the page'
    return Part('benchmark', command, PASSED, detail, {}), content


def render(parts: Sequence[Part], report: Mapping[str, Any] | None, time: datetime) -> str:
    """Return the document."""
    from panoptic_ros.benchmarks.gpu_tables import Table, markdown, tables
    found = [Table('What ran', ('part', 'outcome', 'command', 'in words'),
                   [(part.name, part.outcome, f'`{_cell(part.command)}`', _cell(part.detail))
                    for part in parts])]
    figures = [(name, value) for part in parts for name, value in part.figures.items()]
    if figures:
        found.append(Table('Memory over many frames', ('memory', 'value'), figures))
    if report is not None:
        found += tables(report)
    return (f'# Measured on a GPU\n\nWritten by `make gpu-report` on {time:%Y-%m-%d %H:%M} UTC; '
            'every figure was measured in that run, on the machine below.\n\n'
            + '\n'.join(map(markdown, found)))


def _cell(text: str) -> str:
    return ' '.join(text.split()).replace('|', '\\|')


def _run(arguments: Sequence[str], log: Path, title: str = '', before: Sequence[str] = ()
         ) -> subprocess.CompletedProcess[str]:
    """Run the interpreter from the repository's root; keep its output, and say how it goes."""
    paths = [str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])]
    if title:
        print(f'{title} ...', flush=True)
    start = time.monotonic()
    done = subprocess.run([*before, *PYTHON, *arguments], cwd=ROOT, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=os.environ | {'PYTHONPATH': os.pathsep.join(paths)})
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout, encoding='utf-8')
    if title:
        print(f'{title}: {time.monotonic() - start:.0f} s, output in {log}', flush=True)
    return done


def _tail(output: str) -> str:
    return ' / '.join(output.splitlines()[-_TAIL:]) or 'no output'


if __name__ == '__main__':
    sys.exit(main())
