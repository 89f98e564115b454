"""The grouping beside that of PyTorch, in one run, on the same heads."""

from __future__ import annotations

import argparse
import ctypes
import gc
import platform
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from ..families import deeplab
from ..families.deeplab.heads import Heads
from ..labels import LabelSpace
from ..report import print_table
from .heads import make_heads

CASES = (((1024, 2048), 30), ((1024, 2048), 100), ((1024, 2048), 200), ((512, 1024), 30))
_SLOW_EVERY = 5     # slow sides take part only in every fifth round


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``benchmark grouping``."""
    parser.add_argument('--rounds', type=int, default=15,
                        help='measurements of each side (%(default)s)')
    parser.add_argument('--full', action='store_true',
                        help='also the whole post-processing in PyTorch, up to 30 instances')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure every side in turns; print and return medians, ratios, agreement and memory."""
    from ..segments.workers import thread_count
    from . import torch_grouping

    threads = thread_count()
    torch_grouping.set_threads(threads)
    deeplab.warm_up()
    label_space = LabelSpace.load('cityscapes')
    cases = []
    for number, (size, instances) in enumerate(CASES):
        heads = make_heads(label_space, size, instances)
        sides: dict[str, Callable[[], object]] = {
            'torch_upsampling': partial(torch_grouping.upsample, heads),
            'cpu': partial(deeplab.decode, heads, label_space),
            'reference': partial(deeplab.decode, heads, label_space, method='reference')}
        if args.full and instances <= 30:
            sides['torch_full'] = partial(torch_grouping.group, heads, label_space)
        times = _measure(sides, args.rounds, f'case {number + 1} of {len(CASES)}')
        cases.append(_describe(heads, label_space, size, instances) | {
            'milliseconds': times,
            'times_faster_than_torch_upsampling': times['torch_upsampling'] / times['cpu']})
    memory = {f'{height}x{width}': measure_memory((height, width))
              for height, width in sorted({size for size, _ in CASES})}
    report = {'processor': platform.processor() or platform.machine(), 'threads': threads,
              'rounds': args.rounds, 'cases': cases, 'growth': _growth(cases),
              'temporary_mib': memory}
    _print(report)
    return report


def measure_memory(size: tuple[int, int], instances: int = 30) -> float | None:
    """Return the MiB by which a fresh process grows while it groups, without the result."""
    with get_context('spawn').Pool(1) as pool:
        return pool.apply(_grow, (size, instances))


def _grow(size: tuple[int, int], instances: int) -> float | None:
    label_space = LabelSpace.load('cityscapes')
    deeplab.warm_up()
    heads = make_heads(label_space, size, instances)
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)    # freed memory would not be counted
        Path('/proc/self/clear_refs').write_text('5', encoding='ascii')     # reset the peak
    except (OSError, AttributeError):   # not Linux with glibc
        return None
    before = _status('VmRSS')
    panoptic = deeplab.decode(heads, label_space)
    return (_status('VmHWM') - before - panoptic.labels.nbytes) / 2**20


def _status(name: str) -> int:
    """Return a size in bytes from the kernel's account of this process."""
    for line in Path('/proc/self/status').read_text(encoding='ascii').splitlines():
        if line.startswith(name + ':'):
            return int(line.split()[1]) * 1024
    raise OSError(f'/proc/self/status has no {name}: expected a Linux kernel')


def _measure(sides: dict[str, Callable[[], object]], rounds: int, title: str
             ) -> dict[str, float]:
    """Call the sides in turns; return the median milliseconds of each."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in track(range(-1, rounds), title, transient=True):
        for name, side in sides.items():
            if name in ('reference', 'torch_full') and number % _SLOW_EVERY:
                continue
            start = time.perf_counter()
            side()
            if number >= 0:     # the first round warms caches
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(values)) for name, values in times.items()}


def _describe(heads: Heads, label_space: LabelSpace, size: tuple[int, int], instances: int
              ) -> dict[str, Any]:
    """Return figures about the heads, and how far the two methods agree on them."""
    result = deeplab.decode(heads, label_space)
    reference = deeplab.decode(heads, label_space, method='reference')
    classes = heads.semantic.argmax(0)
    corners = [classes[y:y - 1 or None, x:x - 1 or None] for y in (0, 1) for x in (0, 1)]
    plain = np.all([corner == corners[0] for corner in corners], axis=0)
    return {'size': size, 'drawn_instances': instances, 'found_instances': len(result.things),
            'thing_pixels': float(label_space.is_thing[classes].mean()),
            'boundary_cells': float(1 - plain.mean()),
            'pixels_equal_to_reference': float((result.labels == reference.labels).mean())}


def _growth(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """Say how much longer cpu takes with the most things than with the fewest, at one size."""
    alike = [case for case in cases if case['size'] == cases[0]['size']]
    few, many = (pick(alike, key=lambda case: case['found_instances']) for pick in (min, max))
    return {'size': few['size'],
            'things': [case['found_instances'] for case in (few, many)],
            'times': many['milliseconds']['cpu'] / few['milliseconds']['cpu']}


def _print(report: dict[str, Any]) -> None:
    rows = []
    for case in report['cases']:
        times = case['milliseconds']
        pixels = case['size'][0] * case['size'][1]
        rows.append((
            '{}x{}'.format(*case['size']), case['found_instances'],
            f'{100 * case["boundary_cells"]:.0f} %', f'{times["torch_upsampling"]:.0f}',
            f'{times["cpu"]:.1f}', f'{case["times_faster_than_torch_upsampling"]:.1f}x',
            f'{times["torch_full"]:.0f}' if 'torch_full' in times else '-',
            f'{times["reference"]:.0f}',
            round(pixels * (1 - case['pixels_equal_to_reference']))))
    print_table(
        f'Grouping: median ms of {report["rounds"]} rounds on {report["threads"]} threads',
        ('size', 'things', 'mixed', 'torch', 'cpu', 'faster', 'torch+', 'numpy', 'differ'), rows)
    print('mixed: cells between classes; torch: upsampling the heads and arg-max alone; faster: '
          'cpu than\nthat; torch+: the whole grouping in PyTorch, with --full; numpy: the '
          'reference; differ: pixels\nof cpu and reference.')
    growth = report['growth']
    print('growth of cpu from {} to {} things at {}x{}: {:.2f}x'.format(
        *growth['things'], *growth['size'], growth['times']))
    for size, mebibytes in report['temporary_mib'].items():
        if mebibytes is not None:
            print(f'temporary memory of cpu at {size}: {mebibytes:.1f} MiB')
