"""The decoder of mask queries beside PyTorch, in one run, on the same queries."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..families import masks
from ..families.masks.queries import Queries
from ..labels import LabelSpace
from ..report import print_table
from .memory import peak_mib
from .queries import make_queries
from .rounds import measure, medians

_INPUT = (1024, 2048)


class Case(NamedTuple):
    """What is decoded."""

    kept: int
    """Queries that take part, of 100."""
    dtype: str = 'float32'
    image_size: tuple[int, int] | None = None
    """The part of the network's input that the image fills; None: all of it."""
    size: tuple[int, int] = _INPUT
    """Of the label image."""

    def queries(self) -> Queries:
        """Return the queries."""
        drawn = make_queries(LabelSpace.load('cityscapes'), _INPUT, self.kept)
        return Queries(drawn.classes.astype(self.dtype), drawn.masks.astype(self.dtype), _INPUT,
                       self.image_size)


CASES = (Case(36), Case(90), Case(36, 'float16'), Case(90, 'float16'),
         Case(36, image_size=(1024, 1820), size=(1080, 1920)))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``benchmark masks``."""
    parser.add_argument('--rounds', type=int, default=15,
                        help='measurements of each side; PyTorch takes part in every fifth '
                        '(%(default)s)')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure every side in turns; print and return medians, ratios, agreement and memory."""
    from ..segments.workers import thread_count
    from . import torch_masks

    if args.rounds < 1:
        raise ValueError(f'rounds is {args.rounds}: expected one or more')
    threads = thread_count()
    torch_masks.set_threads(threads)
    masks.warm_up()
    report = {'processor': platform.processor() or platform.machine(), 'threads': threads,
              'rounds': args.rounds,
              'cases': [_measure(case, args.rounds, f'case {number} of {len(CASES)}')
                        for number, case in enumerate(CASES, 1)]}
    _print(report)
    return report


def _measure(case: Case, rounds: int, title: str) -> dict[str, Any]:
    """Measure one case."""
    from . import torch_masks

    label_space, options = LabelSpace.load('cityscapes'), masks.Options()
    queries = case.queries()
    sides: dict[str, Callable[[], object]] = {
        'cpu': partial(masks.decode, queries, label_space, case.size),
        'torch_upsampling': partial(torch_masks.upsample, queries),
        'torch_rule': partial(torch_masks.merge, queries, label_space, case.size, options)}
    times = medians(measure(sides, rounds, title, ('torch_upsampling', 'torch_rule')))
    result = masks.decode(queries, label_space, case.size)
    reference = masks.decode(queries, label_space, case.size, 'reference')
    labels, _ = torch_masks.merge(queries, label_space, case.size, options)
    memory = {name: peak_mib(_prepare, case, name) for name in sides}
    if memory['cpu'] is not None:
        memory['cpu'] -= result.labels.nbytes / 2**20
    return case._asdict() | {
        'segments': len(result.segments), 'milliseconds': times,
        'times_faster': {name: times[name] / times['cpu'] for name in sides if name != 'cpu'},
        'pixels_equal': {'reference': float((result.labels == reference.labels).mean()),
                         'torch_rule': float((result.labels == labels.numpy()).mean())},
        'memory_mib': memory}


def _prepare(case: Case, side: str) -> Callable[[], object]:
    """Return a side's call, in a process of its own."""
    label_space, queries = LabelSpace.load('cityscapes'), case.queries()
    if side == 'cpu':
        masks.warm_up()
        return partial(masks.decode, queries, label_space, case.size)
    from . import torch_masks
    if side == 'torch_upsampling':
        return partial(torch_masks.upsample, queries)
    return partial(torch_masks.merge, queries, label_space, case.size, masks.Options())


def _print(report: dict[str, Any]) -> None:
    rows = []
    for case in report['cases']:
        times, faster, memory = case['milliseconds'], case['times_faster'], case['memory_mib']
        rows.append((
            '{}x{}'.format(*case['size']), case['kept'], case['dtype'], case['segments'],
            f'{times["cpu"]:.1f}', f'{times["torch_upsampling"]:.0f}',
            f'{faster["torch_upsampling"]:.0f}x', f'{times["torch_rule"]:.0f}',
            f'{faster["torch_rule"]:.0f}x',
            *('-' if size is None else f'{size:.0f}' for size in memory.values()),
            round((1 - case['pixels_equal']['reference']) * np.prod(case['size']))))
    print_table(f'Mask queries, 100 at {_INPUT[0]}x{_INPUT[1]}: median ms of {report["rounds"]} '
                f'rounds on {report["threads"]} threads',
                ('size', 'kept', 'type', 'segments', 'cpu', 'up', 'faster', 'rule', 'faster',
                 'cpu MiB', 'up MiB', 'rule MiB', 'differ'), rows)
    print("cpu: queries to labels and table; up: upsampling the masks with PyTorch alone; rule:\n"
          "Mask2Former's own steps in PyTorch; faster: cpu than that; MiB: the most memory of\n"
          "a call, of cpu without the labels; differ: pixels of cpu and reference.")
