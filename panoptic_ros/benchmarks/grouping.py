"""The grouping beside that of PyTorch, in one run, on the same heads."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..arguments import whole
from ..families import deeplab
from ..families.deeplab.heads import Heads
from ..labels import LabelSpace
from ..report import print_table
from .heads import make_heads
from .memory import peak_mib
from .rounds import measure, medians

_GROWTH_ROUNDS = 10
"""Two quick sides are measured so many times as often."""
CASES = (((1024, 2048), 30), ((1024, 2048), 100), ((1024, 2048), 200), ((512, 1024), 30))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``benchmark grouping``."""
    parser.add_argument('--rounds', type=whole(1), default=15,
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
    drawn = [make_heads(label_space, size, instances) for size, instances in CASES]
    for number, (heads, (size, instances)) in enumerate(zip(drawn, CASES, strict=True)):
        sides: dict[str, Callable[[], object]] = {
            'torch_upsampling': partial(torch_grouping.upsample, heads),
            'cpu': partial(deeplab.decode, heads, label_space),
            'reference': partial(deeplab.decode, heads, label_space, method='reference')}
        if args.full and instances <= 30:
            sides['torch_full'] = partial(torch_grouping.group, heads, label_space)
        times = medians(measure(sides, args.rounds, f'case {number + 1} of {len(CASES)}',
                                ('reference', 'torch_full')))
        cases.append(_describe(heads, label_space, size, instances) | {
            'milliseconds': times,
            'times_faster_than_torch_upsampling': times['torch_upsampling'] / times['cpu']})
    memory = {f'{height}x{width}': measure_memory((height, width))
              for height, width in sorted({size for size, _ in CASES})}
    report = {'processor': platform.processor() or platform.machine(), 'threads': threads,
              'rounds': args.rounds, 'cases': cases,
              'growth': _growth(cases, drawn, label_space, args.rounds),
              'temporary_mib': memory}
    _print(report)
    return report


def measure_memory(size: tuple[int, int], instances: int = 30) -> float | None:
    """Return the MiB by which a fresh process grows while it groups, without the result."""
    peak = peak_mib(_prepare, size, instances)
    return None if peak is None else peak - size[0] * size[1] * 2 / 2**20


def _prepare(size: tuple[int, int], instances: int) -> Callable[[], object]:
    label_space = LabelSpace.load('cityscapes')
    deeplab.warm_up()
    return partial(deeplab.decode, make_heads(label_space, size, instances), label_space)


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


def _growth(cases: list[dict[str, Any]], drawn: list[Heads], label_space: LabelSpace, rounds: int
            ) -> dict[str, Any]:
    """Measure how much longer cpu takes with the most things than with the fewest, in turns."""
    alike = [number for number, case in enumerate(cases) if case['size'] == cases[0]['size']]
    few, many = (pick(alike, key=lambda number: cases[number]['found_instances'])
                 for pick in (min, max))
    times = medians(measure(
        {name: partial(deeplab.decode, drawn[number], label_space)
         for name, number in (('few', few), ('many', many))},
        _GROWTH_ROUNDS * rounds, 'growth'))
    return {'size': cases[few]['size'],
            'things': [cases[number]['found_instances'] for number in (few, many)],
            'times': times['many'] / times['few'], 'milliseconds': [times['few'], times['many']]}


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
    print('growth of cpu from {} to {} things at {}x{}, in turns: {:.1f} ms to {:.1f} ms, {:.2f}x'
          .format(*growth['things'], *growth['size'], *growth['milliseconds'], growth['times']))
    for size, mebibytes in report['temporary_mib'].items():
        if mebibytes is not None:
            print(f'temporary memory of cpu at {size}: {mebibytes:.1f} MiB')
