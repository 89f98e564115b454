"""
Test and measure the GPU path on this machine, and write docs/gpu.md.

It runs the gpu-marked tests, the benchmark (which takes all options that are not listed here, as
``benchmark gpu`` does) and compute-sanitizer (memcheck and racecheck) on our kernels.  What cannot
run is reported with its reason.  Document, figures and logs are on disk after each part, so a
report that is ended early leaves what it has.  Without a GPU nothing is written.  Any interpreter
will do that has what the package and pytest need, from any folder.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import limited_program  # noqa: E402
from limited_program import Done  # noqa: E402

BUILD = ROOT / 'build' / 'gpu'
DOCUMENT = ROOT / 'docs' / 'gpu.md'
PYTHON = (sys.executable,)
"""Starts the interpreter that everything runs with."""
FIGURES = ('tests.xml', 'benchmark.json', 'report.json')
"""Files of the folder of logs that are no logs."""
CASES = 'tools/gpu_cases.py'
CASE_RAN = 'pixels differ'
"""What the cases print after our kernels have run."""
SANITIZER_TOOLS = {'memcheck': 'ERROR SUMMARY', 'racecheck': 'RACECHECK SUMMARY'}
LIMIT = 200.
"""Seconds that a part gets."""
_INSTALL_SANITIZER = ('compute-sanitizer was not found: install the CUDA toolkit, and put it on '
                      'PATH or set CUDA_HOME')
_REFUSAL = re.compile('not supported|permi(tted|ssion)|ptrace|inject|initializ|attach|'
                      'internal .*error|first instrumented', re.IGNORECASE)
_TAIL = 15          # lines of output that a failure shows
PASSED, FAILED, NOT_RUN = 'passed', 'failed', 'not run'
TESTS, BENCHMARK = 'gpu-marked tests', 'benchmark'


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
    args, options = _parser().parse_known_args(argv)
    # Programs inherit that Ctrl-C is ignored, as by jobs in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = args.output.resolve()
    reason = why_not(folder)
    if reason is not None:
        print(f'gpu-report: nothing was measured and nothing written: {reason}', file=sys.stderr)
        return 1
    for old in FIGURES:
        (folder / old).unlink(missing_ok=True)
    running: dict[str, Callable[[], Part]] = {
        TESTS: lambda: run_tests(folder, args.limit),
        BENCHMARK: lambda: run_benchmark(folder, args.limit, options),
        **{tool: lambda tool=tool: run_sanitizer(tool, folder, args.limit)
           for tool in SANITIZER_TOOLS}}
    parts = {name: Part(name, '', NOT_RUN, 'the report was ended before it', {})
             for name in running}
    for name, run in running.items():
        write(list(parts.values()), folder, args.document)
        parts[name] = run()
        print(f'{name}: {parts[name].outcome}: {parts[name].detail}', flush=True)
    write(list(parts.values()), folder, args.document)
    print(f'written: {args.document}')
    return 1 if any(part.outcome == FAILED for part in parts.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='gpu_report.py', description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--limit', type=float, default=LIMIT, metavar='SECONDS',
                        help='end a part that takes longer (%(default)g)')
    parser.add_argument('--output', type=Path, default=BUILD, metavar='FOLDER',
                        help='of logs and figures (%(default)s)')
    parser.add_argument('--document', type=Path, default=DOCUMENT, metavar='FILE',
                        help='what is written for people (%(default)s)')
    return parser


def why_not(folder: Path) -> str | None:
    """Say why nothing can be measured here, or None where it can."""
    done = _run(['-c', 'import sys\nfrom panoptic_ros.device import Device, DeviceError\n'
                 'try:\n    Device.open().close()\nexcept DeviceError as error:\n'
                 '    print(error)\n    sys.exit(1)'], folder / 'device.log', LIMIT)
    if done.late:
        return f'opening the GPU {done.late}'
    if done.status == 0:
        return None
    lines = done.output.splitlines()
    return lines[-1] if lines else f'the interpreter ended with status {done.status}'


def run_tests(folder: Path, limit: float) -> Part:
    """Run the gpu-marked tests."""
    results = folder / 'tests.xml'
    arguments = ['-m', 'pytest', '-m', 'gpu', 'test/gpu']
    done = _run([*arguments, '-v', '-p', 'no:cacheprovider', f'--junitxml={results}',
                 '-o', f'faulthandler_timeout={limit / 2:g}'],
                folder / 'tests.log', limit, TESTS)
    command = f'python {" ".join(arguments)}'
    if not results.is_file():
        return Part(TESTS, command, FAILED, done.late + _tail(done.output), {})
    part = read_tests(results.read_text(encoding='utf-8'), command)
    if done.late:
        return part._replace(outcome=FAILED, detail=f'{done.late}{part.detail}; the last lines: '
                                                    f'{_tail(done.output)}')
    if done.status and part.outcome == PASSED:      # such as a crash at the end
        return part._replace(outcome=FAILED, detail=f'{part.detail}; then status {done.status}: '
                                                    f'{_tail(done.output)}')
    return part


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
    return Part(TESTS, command, outcome, detail, figures)


def run_benchmark(folder: Path, limit: float, options: Sequence[str]) -> Part:
    """Run the benchmark, which leaves its report in the folder, after each step."""
    arguments = ['-m', 'panoptic_ros.cli.benchmark', 'gpu']
    done = _run([*arguments, *options, '--json', str(folder / 'benchmark.json')],
                folder / 'benchmark.log', limit, BENCHMARK)
    command = ' '.join(['python', *arguments, *options])
    if done.status or done.late:
        return Part(BENCHMARK, command, FAILED, done.late + _tail(done.output), {})
    missing = _benchmark_report(folder)['not_measured']
    detail = f'without {", ".join(missing)}, see the end of the page' if missing else (
        'all was measured')
    return Part(BENCHMARK, command, PASSED, detail, {})


def run_sanitizer(tool: str, folder: Path, limit: float) -> Part:
    """Let compute-sanitizer watch our kernels with one of its tools."""
    command = f'compute-sanitizer --tool {tool} python {CASES}'
    home = os.environ.get('CUDA_HOME') or os.environ.get('CUDA_PATH') or '/usr/local/cuda'
    sanitizer = shutil.which('compute-sanitizer') or shutil.which(
        'compute-sanitizer', path=os.pathsep.join((f'{home}/bin', f'{home}/compute-sanitizer')))
    if sanitizer is None:
        return Part(tool, command, NOT_RUN, _INSTALL_SANITIZER, {})
    done = _run([CASES], folder / f'{tool}.log', limit, tool,
                before=[sanitizer, '--tool', tool, '--error-exitcode', '99',
                        *(['--leak-check', 'full'] if tool == 'memcheck' else [])])
    if done.late:
        return Part(tool, command, FAILED, done.late + _tail(done.output), {})
    return read_sanitizer(tool, command, done.status, done.output)


def read_sanitizer(tool: str, command: str, status: int, output: str) -> Part:
    """Return what compute-sanitizer says at its end, or why it did not let our kernels run."""
    if CASE_RAN not in output and 'Traceback' not in output:
        words = [line.strip('= ') for line in output.splitlines()
                 if line.startswith('gpu_cases: ') or _REFUSAL.search(line)]
        if words or status == 0:
            return Part(tool, command, NOT_RUN, 'no kernel ran under compute-sanitizer: '
                        + (' / '.join(words[:_TAIL]) or _tail(output)), {})
    summaries = re.findall(rf'{SANITIZER_TOOLS[tool]}: (.*)', output)
    if not summaries:
        return Part(tool, command, FAILED, f'no summary, status {status}: {_tail(output)}', {})
    clean = status == 0 and all(re.match('0 (errors|hazards)', line) for line in summaries)
    return Part(tool, command, PASSED if clean else FAILED,
                f'{"; ".join(summaries)}, status {status}', {})


def write(parts: Sequence[Part], folder: Path, document: Path) -> None:
    """Write what is known so far: the document, and the same as JSON beside the logs."""
    report, now = _benchmark_report(folder), datetime.now(timezone.utc)
    content = {'written': now.isoformat(timespec='seconds'), 'benchmark': report,
               'parts': [part._asdict() for part in parts]}
    (folder / 'report.json').write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_text(render(parts, report, now), encoding='utf-8')


def render(parts: Sequence[Part], report: Mapping[str, Any] | None, time: datetime) -> str:
    """Return the document."""
    from panoptic_ros.benchmarks.gpu_tables import Table, markdown, tables
    found = [Table('What ran', ('part', 'outcome', 'command', 'in words'),
                   [(part.name, part.outcome, f'`{_cell(part.command)}`' if part.command else '-',
                     _cell(part.detail)) for part in parts])]
    figures = [(name, value) for part in parts for name, value in part.figures.items()]
    if figures:
        found.append(Table('Memory over many frames', ('memory', 'value'), figures))
    if report is not None:
        found += tables(report)
    return (f'# Measured on a GPU\n\nWritten by `make gpu-report` on {time:%Y-%m-%d %H:%M} UTC; '
            'every figure was measured in that run, on the machine below.\n\n'
            + '\n'.join(map(markdown, found)))


def _benchmark_report(folder: Path) -> dict[str, Any] | None:
    """Return what the benchmark has written; None before it did, or where it was cut off."""
    try:
        return json.loads((folder / 'benchmark.json').read_text(encoding='utf-8'))
    except (FileNotFoundError, ValueError):
        return None


def _cell(text: str) -> str:
    return ' '.join(text.split()).replace('|', '\\|')


def _run(arguments: Sequence[str], log: Path, limit: float, title: str = '',
         before: Sequence[str] = ()) -> Done:
    """Run the interpreter from the repository's root, its output in a file; say how it goes."""
    paths = [str(ROOT), *(os.path.abspath(path) for path in filter(
        None, os.environ.get('PYTHONPATH', '').split(os.pathsep)))]
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(paths), 'PYTHONUNBUFFERED': '1',
                                'PYTHONFAULTHANDLER': '1'}
    log.parent.mkdir(parents=True, exist_ok=True)
    if title:
        print(f'{title} ..., output in {log}', flush=True)
    start = time.monotonic()
    done = limited_program.run([*before, *PYTHON, *arguments], ROOT, environment, log, limit)
    if title:
        print(f'{title}: {time.monotonic() - start:.0f} s', flush=True)
    return done


def _tail(output: str) -> str:
    return ' / '.join(output.splitlines()[-_TAIL:]) or 'no output'


if __name__ == '__main__':
    sys.exit(main())
