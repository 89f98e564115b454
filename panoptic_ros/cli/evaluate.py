"""PQ, SQ, RQ, AP and mIoU of a model on a data set or held-out streets, or of files of labels."""

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

from .. import engine
from ..arguments import image_size
from ..datasets import DATASETS, Dataset, open_dataset
from ..evaluation import Evaluation, evaluate
from ..evaluation.averaged_engine import AveragedEngine
from ..evaluation.color_baseline import ColorBaseline
from ..evaluation.held_out import FIRST_HELD_OUT_SEED, HeldOutStreets, single_frame
from ..evaluation.label_files import LabelFolders
from ..evaluation.oracle import Oracle
from ..evaluation.predicted import Predicted
from ..evaluation.tables import (
    CLASS_HEADER,
    MEAN_HEADER,
    class_rows,
    comparison_rows,
    mean_rows,
    means,
)
from ..labels import LabelSpace
from ..report import add_json_argument, print_table, write_json
from ..resources import share_directory
from ..segmenter import Segmenter

STREETS_LABELS = 'cityscapes'
BASELINE_FRAMES = 60
"""Frames of training seeds, from 0, whose colours the baseline learns."""
ORACLE_STRIDES = (1, 4)
"""Full resolution, and that of the heads."""


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the tables, and write them where ``--json`` says."""
    parser = _parser()
    args = parser.parse_args(argv)
    if (args.predictions is None) != (args.truth is None):
        parser.error('--predictions and --truth go together: give the folders of both')
    datasets = [(kind, folder) for kind in DATASETS
                if (folder := getattr(args, kind.replace('-', '_'))) is not None]
    if (args.streets is not None) + (args.predictions is not None) + len(datasets) != 1:
        parser.error('give either --streets N, a data set such as --cityscapes DIR, or '
                     '--predictions DIR with --truth DIR')
    args.dataset = datasets[0] if datasets else None
    if args.streets is None and args.baseline:
        parser.error('--baseline learns the colours of streets: give --streets N')
    if args.predictions is not None and args.oracle:
        parser.error('--oracle needs a ground truth alone: give --streets N or a data set')
    if args.split and not datasets:
        parser.error('--split is a part of a data set: give one, such as --cityscapes DIR')
    if (args.oracle or args.baseline) and (args.model or args.scales or args.flip):
        parser.error('--oracle and --baseline stand in for a model: leave out --model, --scales '
                     'and --flip')
    try:
        measure = (_evaluate_files if args.predictions is not None else
                   _ask_oracle if args.oracle else _evaluate_model)
        report = measure(args)
    except (OSError, ValueError, ImportError) as error:
        parser.exit(1, f'{parser.prog}: {error}\n')
    write_json(args.json, report)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='evaluate', description=__doc__)
    source = parser.add_argument_group('what is measured on')
    source.add_argument('--streets', type=_positive, metavar='N',
                        help='render N held-out street frames')
    source.add_argument('--size', type=image_size, default=(512, 1024), metavar='HxW',
                        help='size of those frames (default: 512x1024)')
    source.add_argument('--seed', type=int, default=FIRST_HELD_OUT_SEED,
                        help="the first frame's seed (default: %(default)s, where held-out seeds "
                        'begin)')
    for kind in DATASETS:
        source.add_argument(f'--{kind}', type=Path, metavar='DIR',
                            help=f'read the data set {kind} from its folder')
    source.add_argument('--split', metavar='NAME',
                        help='part of the data set (default: its validation images)')
    source.add_argument('--predictions', type=Path, metavar='DIR',
                        help='predicted label images: 16-bit PNG')
    source.add_argument('--truth', type=Path, metavar='DIR',
                        help='true label images with the same relative paths')
    source.add_argument('--labels', default='cityscapes', metavar='NAME|YAML',
                        help='label space of both folders (default: %(default)s)')
    predictor = parser.add_argument_group('what is measured')
    predictor.add_argument('--model', type=Path, help='model file (default: the shipped one)')
    predictor.add_argument('--flip', action='store_true',
                           help='average the heads of each image and its mirror image')
    predictor.add_argument('--scales', type=Path, nargs='+', default=[], metavar='MODEL',
                           help='average with the heads of the same network exported for other '
                           'sizes (`export --size`)')
    predictor.add_argument('--method', choices=('cpu', 'reference'), default='cpu',
                           help='how pixels are grouped (default: %(default)s)')
    predictor.add_argument('--baseline', choices=('color',),
                           help='instead of a model: nearest colour for each pixel')
    predictor.add_argument('--oracle', action='store_true',
                           help='instead of a model: the ground truth as ideal heads at full '
                           'resolution and at stride 4; what is lost is lost by any network')
    parser.add_argument('--workers', type=_positive, default=min(os.cpu_count() or 1, 8),
                        help='processes (default: %(default)s); with one, the network uses all '
                        'cores')
    add_json_argument(parser)
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r}: expected a whole number from 1')
    return int(text)


def _frames(args: argparse.Namespace) -> tuple[Dataset | HeldOutStreets, int, LabelSpace,
                                               dict[str, Any]]:
    """Return the frames, how many there are, their classes, and what to call them."""
    if args.dataset is None:
        return (HeldOutStreets(args.size, args.seed), args.streets,
                LabelSpace.load(STREETS_LABELS),
                {'streets': list(args.size), 'first_seed': args.seed})
    kind, folder = args.dataset
    dataset = open_dataset(kind, folder, args.split)
    return (dataset, len(dataset), dataset.label_space,
            {'dataset': kind, 'description': dataset.description})


def _evaluate_model(args: argparse.Namespace) -> dict[str, Any]:
    frames, count, space, source = _frames(args)
    predictor, open_predictor = (
        _color_baseline(args, space) if args.baseline else _model(args, space))
    total = _run(args, range(count), space, Predicted(frames, open_predictor))
    return _report(total, args, {'source': source, 'predictor': predictor})


def _evaluate_files(args: argparse.Namespace) -> dict[str, Any]:
    folders = LabelFolders(args.predictions, args.truth)
    space = LabelSpace.load(args.labels)
    total = _run(args, folders.names, space, folders)
    return _report(total, args, {'source': {
        'predictions': str(args.predictions), 'truth': str(args.truth), 'labels': space.name}})


def _ask_oracle(args: argparse.Namespace) -> dict[str, Any]:
    frames, count, space, source = _frames(args)
    full, coarse = (_run(args, range(count), space, Oracle(frames.truth, space, stride),
                         f'stride {stride}') for stride in ORACLE_STRIDES)
    print_table(f'{count} frames: ground truth as ideal heads, grouped again, in percent',
                ('', *(f'stride {stride}' for stride in ORACLE_STRIDES), 'lost'),
                comparison_rows(full, coarse))
    lost = {name: float(value - means(coarse)[name]) for name, value in means(full).items()}
    return {'source': source, 'frames': count,
            'oracle': {f'stride_{stride}': total.to_dict() for stride, total in
                       zip(ORACLE_STRIDES, (full, coarse), strict=True)},
            'lost': {name: value if np.isfinite(value) else None
                     for name, value in lost.items()}}


def _model(args: argparse.Namespace,
           space: LabelSpace) -> tuple[dict[str, Any], Callable[[], Any]]:
    path = args.model or share_directory() / 'models' / 'streets.onnx'
    open_model = partial(_open, path, tuple(args.scales), args.flip, args.method)
    segmenter = open_model(0)
    try:
        if segmenter.label_space != space:
            raise ValueError(f'{path} knows label space {segmenter.label_space.name!r}: expected '
                             f'{space.name!r}, the one of '
                             f'{args.dataset[0] if args.dataset else "streets"}')
        description = {'model': path.name, 'network': segmenter.metadata.network,
                       'runtime': segmenter.description, 'method': args.method}
    finally:
        segmenter.close()
    return description, partial(open_model, 1 if args.workers > 1 else 0)


def _open(path: Path, scales: tuple[Path, ...], flip: bool, method: str,
          threads: int) -> Segmenter:
    if not flip and not scales:
        return Segmenter.open(path, threads=threads, method=method)
    engines = [engine.load(file, threads) for file in (path, *scales)]
    return Segmenter(AveragedEngine(engines, flip), method=method)


def _color_baseline(args: argparse.Namespace,
                    space: LabelSpace) -> tuple[dict[str, Any], Callable[[], Any]]:
    baseline = ColorBaseline.fit(
        (single_frame(seed, args.size)
         for seed in track(range(BASELINE_FRAMES), 'learning colours')), space)
    return {'baseline': 'color', 'training_frames': BASELINE_FRAMES}, partial(copy, baseline)


def _run(args: argparse.Namespace, items: Sequence[Any], space: LabelSpace,
         load: Callable[[Any], Any], title: str = 'evaluating') -> Evaluation:
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(title, total=len(items))
        return evaluate(items, space, load, min(args.workers, len(items)),
                        lambda done: bar.update(task, completed=done))


def _report(total: Evaluation, args: argparse.Namespace, about: dict[str, Any]) -> dict[str, Any]:
    """Print the tables; return the same and more for ``--json``."""
    report = {**about, 'workers': args.workers, 'frames': total.panoptic_quality.images,
              **total.to_dict(), **_times(total)}
    mean = means(total)
    print_table(f'{report["frames"]} frames, in percent', CLASS_HEADER, class_rows(total))
    print_table('means over the classes that occur', MEAN_HEADER, mean_rows(total))
    print(f'AP {mean["AP"]:.2f}, AP50 {mean["AP50"]:.2f}, mIoU {mean["mIoU"]:.2f}, pixel accuracy '
          f'{total.mean_iou.compute().pixel_accuracy:.2f}')
    if 'prediction' in report:
        time = report['prediction']
        print(f'prediction: p50 {time["p50_ms"]:.1f} ms, p99 {time["p99_ms"]:.1f} ms, '
              f'{time["frames_per_second"]:.1f} frames/s in each of {args.workers} processes')
    return report


def _times(total: Evaluation) -> dict[str, Any]:
    seconds = np.array(total.seconds)
    seconds = seconds[np.isfinite(seconds)]
    if not len(seconds):
        return {}
    return {'prediction': {'p50_ms': 1e3 * float(np.median(seconds)),
                           'p99_ms': 1e3 * float(np.percentile(seconds, 99)),
                           'frames_per_second': 1 / float(np.median(seconds))}}


if __name__ == '__main__':
    main()
