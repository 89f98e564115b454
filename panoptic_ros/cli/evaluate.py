"""Panoptic quality and mean IoU of a model on held-out streets, or of files of labels."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    track,
)

from ..arguments import image_size
from ..evaluation import Evaluation, evaluate
from ..evaluation.color_baseline import ColorBaseline
from ..evaluation.held_out import FIRST_HELD_OUT_SEED, HeldOutStreets, single_frame
from ..evaluation.label_files import LabelFolders
from ..labels import LabelSpace
from ..report import add_json_argument, print_table, write_json
from ..resources import share_directory
from ..segmenter import Segmenter

STREETS_LABELS = 'cityscapes'
BASELINE_FRAMES = 60
"""Frames of training seeds, from 0, whose colours the baseline learns."""


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the tables, and write them where ``--json`` says."""
    parser = _parser()
    args = parser.parse_args(argv)
    if (args.predictions is None) != (args.truth is None):
        parser.error('--predictions and --truth go together: give the folders of both')
    if (args.streets is None) == (args.predictions is None):
        parser.error('give either --streets N or --predictions DIR with --truth DIR')
    try:
        measure = _evaluate_streets if args.streets is not None else _evaluate_files
        total, report = measure(args)
    except (OSError, ValueError, ImportError) as error:
        parser.exit(1, f'{parser.prog}: {error}\n')
    report |= {'frames': total.panoptic_quality.images, **total.to_dict(), **_times(total)}
    _print(total, report)
    write_json(args.json, report)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='evaluate', description=__doc__)
    parser.add_argument('--streets', type=_positive, metavar='N',
                        help='render N held-out street frames and segment them')
    parser.add_argument('--size', type=image_size, default=(512, 1024), metavar='HxW',
                        help='size of those frames (default: 512x1024)')
    parser.add_argument('--seed', type=int, default=FIRST_HELD_OUT_SEED,
                        help="the first frame's seed (default: %(default)s, where held-out seeds "
                        'begin)')
    parser.add_argument('--model', type=Path, help='model file (default: the shipped one)')
    parser.add_argument('--method', choices=('cpu', 'reference'), default='cpu',
                        help='how pixels are grouped (default: %(default)s)')
    parser.add_argument('--baseline', choices=('color',),
                        help='instead of a model: nearest colour for each pixel')
    parser.add_argument('--predictions', type=Path, metavar='DIR',
                        help='predicted label images: 16-bit PNG')
    parser.add_argument('--truth', type=Path, metavar='DIR',
                        help='true label images with the same relative paths')
    parser.add_argument('--labels', default='cityscapes', metavar='NAME|YAML',
                        help='label space of both folders (default: %(default)s)')
    parser.add_argument('--workers', type=_positive, default=min(os.cpu_count() or 1, 8),
                        help='processes (default: %(default)s); with one, the network uses all '
                        'cores')
    add_json_argument(parser)
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r}: expected a whole number from 1')
    return int(text)


def _evaluate_streets(args: argparse.Namespace) -> tuple[Evaluation, dict[str, Any]]:
    space = LabelSpace.load(STREETS_LABELS)
    predictor, open_predictor = (
        _color_baseline(args, space) if args.baseline else _model(args, space))
    loader = HeldOutStreets(open_predictor, args.size, args.seed)
    total = _with_progress(args.streets, partial(
        evaluate, range(args.streets), space, loader, args.workers))
    return total, {'source': {'streets': list(args.size), 'first_seed': args.seed},
                   'predictor': predictor, 'workers': args.workers}


def _evaluate_files(args: argparse.Namespace) -> tuple[Evaluation, dict[str, Any]]:
    folders = LabelFolders(args.predictions, args.truth)
    names = folders.names
    space = LabelSpace.load(args.labels)
    total = _with_progress(len(names), partial(
        evaluate, names, space, folders, min(args.workers, len(names))))
    return total, {'source': {'predictions': str(args.predictions), 'truth': str(args.truth),
                              'labels': space.name}, 'workers': args.workers}


def _model(args: argparse.Namespace,
           space: LabelSpace) -> tuple[dict[str, Any], Callable[[], Any]]:
    path = args.model or share_directory() / 'models' / 'streets.onnx'
    segmenter = Segmenter.open(path, method=args.method)
    try:
        if segmenter.label_space != space:
            raise ValueError(f'{path} knows label space {segmenter.label_space.name!r}: expected '
                             f'{space.name!r}, the one of streets')
        description = {'model': path.name, 'network': segmenter.metadata.network,
                       'runtime': segmenter.description, 'method': args.method}
    finally:
        segmenter.close()
    threads = 1 if args.workers > 1 else 0
    return description, partial(Segmenter.open, path, threads=threads, method=args.method)


def _color_baseline(args: argparse.Namespace,
                    space: LabelSpace) -> tuple[dict[str, Any], Callable[[], Any]]:
    baseline = ColorBaseline.fit(
        (single_frame(seed, args.size)
         for seed in track(range(BASELINE_FRAMES), 'learning colours')), space)
    return {'baseline': 'color', 'training_frames': BASELINE_FRAMES}, partial(copy, baseline)


def _with_progress(count: int, work: Callable[..., Evaluation]) -> Evaluation:
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task('evaluating', total=count)
        return work(progress=lambda done: bar.update(task, completed=done))


def _times(total: Evaluation) -> dict[str, Any]:
    seconds = np.array(total.seconds)
    seconds = seconds[np.isfinite(seconds)]
    if not len(seconds):
        return {}
    return {'prediction': {'p50_ms': 1e3 * float(np.median(seconds)),
                           'p99_ms': 1e3 * float(np.percentile(seconds, 99)),
                           'frames_per_second': 1 / float(np.median(seconds))}}


def _print(total: Evaluation, report: dict[str, Any]) -> None:
    result, iou = total.panoptic_quality.compute(), total.mean_iou.compute()
    rows: list[tuple[object, ...]] = []
    for name in total.label_space.names:
        q = result.per_class.get(name)
        if q or name in iou.per_class:
            rows.append((name, *((q.pq, q.sq, q.rq, q.tp, q.fp, q.fn) if q else ('',) * 6),
                         iou.per_class.get(name, '')))
    print_table(f'{result.images} frames, in percent',
                ('class', 'PQ', 'SQ', 'RQ', 'TP', 'FP', 'FN', 'IoU'), rows)
    print_table('means over the classes that occur', ('', 'PQ', 'SQ', 'RQ', 'classes'), (
        (group, mean.pq, mean.sq, mean.rq, mean.classes) for group, mean in (
            ('all', result.all), ('things', result.things), ('stuff', result.stuff))))
    print(f'mIoU {iou.mean:.2f}, pixel accuracy {iou.pixel_accuracy:.2f}')
    if 'prediction' in report:
        time = report['prediction']
        print(f'prediction: p50 {time["p50_ms"]:.1f} ms, p99 {time["p99_ms"]:.1f} ms, '
              f'{time["frames_per_second"]:.1f} frames/s in each of {report["workers"]} '
              'processes')


if __name__ == '__main__':
    main()
