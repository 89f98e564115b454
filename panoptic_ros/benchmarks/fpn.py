"""The decoder of Panoptic-FPN beside PyTorch, in one run, on the same detections."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ..arguments import image_size, whole
from ..families import fpn
from ..families.fpn.detections import Detections
from ..labels import LabelSpace
from ..report import print_table
from .detections import make_detections
from .memory import peak_mib
from .rounds import measure, medians


class Case(NamedTuple):
    """What is decoded."""

    input_size: tuple[int, int]
    """The network's input."""
    label_space: str
    kept: int
    """Detections whose score is above the threshold, of 100."""
    image_size: tuple[int, int] | None = None
    """The part of the input that the image fills; None: all of it."""
    size: tuple[int, int] | None = None
    """Of the label image; None: that of the input."""

    def detections(self) -> Detections:
        """Return the detections."""
        drawn = make_detections(LabelSpace.load(self.label_space), self.input_size, self.kept)
        return Detections(drawn.semantic, drawn.boxes, drawn.scores, drawn.classes, drawn.masks,
                          self.input_size, self.image_size)

    def __str__(self) -> str:
        height, width = self.size or self.input_size
        channels = len(LabelSpace.load(self.label_space).stuff_ids) + 1
        return f'{self.kept}, {channels}, {height}x{width}'


def cases(size: tuple[int, int]) -> tuple[Case, ...]:
    """Return what is measured: two label spaces, fewer things, and an image of another size."""
    height, width = size
    return (Case(size, 'coco', 100), Case(size, 'cityscapes', 100), Case(size, 'cityscapes', 30),
            Case(size, 'coco', 100, (height, width * 8 // 9),
                 (height * 135 // 128, width * 15 // 16)))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``benchmark fpn``."""
    parser.add_argument('--size', type=image_size, default='1024x2048', metavar='HxW',
                        help="the network's input (default: %(default)s)")
    parser.add_argument('--rounds', type=whole(1), default=15,
                        help='measurements of cpu; PyTorch takes part in every fifth '
                        '(default: %(default)s)')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure every side in turns; print and return medians, ratios, agreement and memory."""
    from ..segments.workers import thread_count
    from . import torch_fpn

    threads = thread_count()
    torch_fpn.set_threads(threads)
    fpn.warm_up()
    chosen = cases(args.size)
    report = {'processor': platform.processor() or platform.machine(), 'threads': threads,
              'rounds': args.rounds,
              'cases': [_measure(case, args.rounds, f'case {number} of {len(chosen)}')
                        for number, case in enumerate(chosen, 1)],
              'memory_mib': measure_memory(chosen[0])}
    _print(report)
    return report


def _measure(case: Case, rounds: int, title: str) -> dict[str, Any]:
    """Measure one case."""
    from . import torch_fpn

    label_space, options = LabelSpace.load(case.label_space), fpn.Options()
    detections = case.detections()
    size = case.size or case.input_size
    sides: dict[str, Callable[[], object]] = {
        'cpu': partial(fpn.decode, detections, label_space, size),
        'torch_upsampling': partial(torch_fpn.upsample, detections, size),
        'torch_rule': partial(torch_fpn.merge, detections, label_space, size, options)}
    times = medians(measure(sides, rounds, title, ('torch_upsampling', 'torch_rule')))
    result = fpn.decode(detections, label_space, size)
    reference = fpn.decode(detections, label_space, size, 'reference')
    labels = torch_fpn.merge(detections, label_space, size, options)
    return case._asdict() | {
        'case': str(case), 'size': size, 'segments': len(result.segments), 'milliseconds': times,
        'times_faster': {name: times[name] / times['cpu'] for name in sides if name != 'cpu'},
        'pixels_equal': {'reference': float((result.labels == reference.labels).mean()),
                         'torch_rule': float((result.labels == labels.numpy()).mean())}}


def measure_memory(case: Case) -> dict[str, float | None]:
    """Return the MiB by which a fresh process grows during a call of each side, with results."""
    return {side: peak_mib(_prepare, case, side) for side in ('cpu', 'torch_rule')}


def _prepare(case: Case, side: str) -> Callable[[], object]:
    """Return a side's call, in a process of its own."""
    label_space, detections = LabelSpace.load(case.label_space), case.detections()
    size = case.size or case.input_size
    if side == 'cpu':
        fpn.warm_up()
        return partial(fpn.decode, detections, label_space, size)
    from . import torch_fpn
    return partial(torch_fpn.merge, detections, label_space, size, fpn.Options())


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
    print_table(f'Detections and stuff: median ms of {report["rounds"]} rounds on '
                f'{report["threads"]} threads',
                ('kept, channels, size', 'cpu', 'torch', 'faster', 'torch+', 'faster', 'differ'),
                rows)
    print('cpu: outputs to labels and table; torch: upsampling the logits alone; torch+: all of\n'
          "Detectron2's steps in PyTorch; faster: cpu than that; differ: pixels of cpu and\n"
          'reference.')
    memory = [f'{name.replace("_", " ")} {size:.0f} MiB'
              for name, size in report['memory_mib'].items() if size is not None]
    print('most memory of a call of the first case, its result included:\n' + ', '.join(memory))
