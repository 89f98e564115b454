"""The decoder of mask queries beside PyTorch, in one run, on the same queries."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ..arguments import image_size, whole
from ..families import masks
from ..families.masks.queries import Queries
from ..labels import LabelSpace
from ..report import print_table
from .memory import peak_mib
from .queries import make_queries
from .rounds import measure, medians


class Case(NamedTuple):
    """What is decoded."""

    input_size: tuple[int, int]
    """The network's input."""
    kept: int
    """Queries that take part, of 100."""
    dtype: str = 'float32'
    image_size: tuple[int, int] | None = None
    """The part of the input that the image fills; None: all of it."""
    size: tuple[int, int] | None = None
    """Of the label image; None: that of the input."""

    def queries(self) -> Queries:
        """Return the queries."""
        drawn = make_queries(LabelSpace.load('cityscapes'), self.input_size, self.kept)
        return Queries(drawn.classes.astype(self.dtype), drawn.masks.astype(self.dtype),
                       self.input_size, self.image_size)

    def __str__(self) -> str:
        height, width = self.size or self.input_size
        return f'{self.kept}, {self.dtype}, {height}x{width}'


def cases(size: tuple[int, int]) -> tuple[Case, ...]:
    """Return what is measured: two numbers of queries, two types, and an image of another size."""
    height, width = size
    padded = Case(size, 36, image_size=(height, width * 8 // 9),
                  size=(height * 135 // 128, width * 15 // 16))
    return (*(Case(size, kept, dtype) for dtype in ('float32', 'float16') for kept in (36, 90)),
            padded)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``benchmark masks``."""
    parser.add_argument('--size', type=image_size, default='1024x2048', metavar='HxW',
                        help="the network's input (default: %(default)s)")
    parser.add_argument('--rounds', type=whole(1), default=15,
                        help='measurements of cpu; PyTorch takes part in every fifth '
                        '(default: %(default)s)')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure every side in turns; print and return medians, ratios, agreement and memory."""
    from ..segments.workers import thread_count
    from . import torch_masks

    threads = thread_count()
    torch_masks.set_threads(threads)
    masks.warm_up()
    chosen = cases(args.size)
    report = {'processor': platform.processor() or platform.machine(), 'threads': threads,
              'rounds': args.rounds,
              'cases': [_measure(case, args.rounds, f'case {number} of {len(chosen)}')
                        for number, case in enumerate(chosen, 1)],
              'memory_mib': measure_memory(chosen[1])}
    _print(report)
    return report


def _measure(case: Case, rounds: int, title: str) -> dict[str, Any]:
    """Measure one case."""
    from . import torch_masks

    label_space, options = LabelSpace.load('cityscapes'), masks.Options()
    queries = case.queries()
    size = case.size or case.input_size
    sides: dict[str, Callable[[], object]] = {
        'cpu': partial(masks.decode, queries, label_space, size),
        'torch_upsampling': partial(torch_masks.upsample, queries),
        'torch_rule': partial(torch_masks.merge, queries, label_space, size, options)}
    times = medians(measure(sides, rounds, title, ('torch_upsampling', 'torch_rule')))
    result = masks.decode(queries, label_space, size)
    reference = masks.decode(queries, label_space, size, 'reference')
    labels, _ = torch_masks.merge(queries, label_space, size, options)
    return case._asdict() | {
        'case': str(case), 'size': size, 'segments': len(result.segments), 'milliseconds': times,
        'times_faster': {name: times[name] / times['cpu'] for name in sides if name != 'cpu'},
        'pixels_equal': {'reference': float((result.labels == reference.labels).mean()),
                         'torch_rule': float((result.labels == labels.numpy()).mean())}}


def measure_memory(case: Case) -> dict[str, float | None]:
    """Return the MiB by which a fresh process grows during a call of each side, with results."""
    return {side: peak_mib(_prepare, case, side)
            for side in ('cpu', 'torch_upsampling', 'torch_rule')}


def _prepare(case: Case, side: str) -> Callable[[], object]:
    """Return a side's call, in a process of its own."""
    label_space, queries = LabelSpace.load('cityscapes'), case.queries()
    size = case.size or case.input_size
    if side == 'cpu':
        masks.warm_up()
        return partial(masks.decode, queries, label_space, size)
    from . import torch_masks
    if side == 'torch_upsampling':
        return partial(torch_masks.upsample, queries)
    return partial(torch_masks.merge, queries, label_space, size, masks.Options())


def _print(report: dict[str, Any]) -> None:
    rows = []
    for case in report['cases']:
        times, faster = case['milliseconds'], case['times_faster']
        pixels = case['size'][0] * case['size'][1]
        rows.append((
            case['case'], f'{times["cpu"]:.1f}', f'{times["torch_upsampling"]:.0f}',
            f'{faster["torch_upsampling"]:.0f}x', f'{times["torch_rule"]:.0f}',
            f'{faster["torch_rule"]:.0f}x',
            round((1 - case['pixels_equal']['reference']) * pixels)))
    print_table(f'Mask queries: median ms of {report["rounds"]} rounds on {report["threads"]} '
                'threads',
                ('kept of 100, type, size', 'cpu', 'torch', 'faster', 'torch+', 'faster',
                 'differ'), rows)
    print("cpu: queries to labels and table; torch: upsampling the masks alone; torch+: all of\n"
          "Mask2Former's own steps in PyTorch; faster: cpu than that; differ: pixels of cpu and\n"
          "reference.")
    memory = [f'{name.replace("_", " ")} {size:.0f} MiB'
              for name, size in report['memory_mib'].items() if size is not None]
    print('most memory of a call with 90 kept, float32, its result included:\n'
          + ', '.join(memory))
