"""PQ, SQ, RQ, AP, mIoU and VPQ of a model on data sets or held-out streets, or of label files."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from .. import engine
from ..arguments import image_size
from ..datasets import DATASETS, Dataset, open_dataset
from ..evaluation import Evaluation, evaluate
from ..evaluation.averaged_engine import AveragedEngine
from ..evaluation.clips import CLIP_HEADER, Clips, clip_rows
from ..evaluation.color_baseline import ColorBaseline
from ..evaluation.held_out import HeldOutStreets, single_frame
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
from ..report import add_json_argument, p50_p99, print_table, progress_bar, write_json
from ..resources import model_path
from ..segmenter import Segmenter
from ..streets import FIRST_HELD_OUT_SEED
from .command import command

DEFAULTS = {'size': (512, 1024), 'seed': FIRST_HELD_OUT_SEED, 'labels': 'cityscapes',
            'scales': (), 'method': 'cpu', 'workers': min(os.cpu_count() or 1, 8)}
"""Of options that not every measurement has."""
BASELINE_FRAMES = 60
"""Frames of training seeds, from 0, whose colours the baseline learns."""
ORACLE_STRIDES = (1, 4)
"""Full resolution, and that of the heads."""


@command
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
    _refuse_what_has_no_effect(parser, args)
    vars(args).update({name: value for name, value in DEFAULTS.items()
                       if getattr(args, name) is None})
    try:
        measure = (_evaluate_files if args.predictions is not None else
                   _ask_oracle if args.oracle else
                   _evaluate_clips if args.clip else _evaluate_model)
        write_json(args.json, measure(args))
    except (OSError, ValueError, ImportError) as error:
        parser.exit(1, f'{parser.prog}: {error}\n')


def _refuse_what_has_no_effect(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """End with the first option that goes with another source or another predictor."""
    is_model = not (args.predictions or args.oracle or args.baseline)
    for names, is_used, cure in (
            (('size', 'seed'), args.streets is not None, 'renders frames: give --streets N'),
            (('baseline',), args.streets is not None,
             'learns the colours of streets: give --streets N'),
            (('clip',), args.streets is not None and is_model,
             'renders drives for a model: give --streets N, without --oracle and --baseline'),
            (('workers',), not args.clip, 'has no effect on clips, whose frames follow each '
             'other: leave it out'),
            (('split',), args.dataset, 'is a part of a data set: give one, such as --cityscapes '
             'DIR'),
            (('labels',), args.predictions, 'is the label space of label images: give '
             '--predictions DIR with --truth DIR'),
            (('oracle',), not (args.predictions or args.baseline), 'needs a ground truth alone: '
             'give --streets N or a data set, and no --baseline'),
            (('model', 'flip', 'scales', 'method'), is_model, 'is of a model: leave out '
             '--predictions, --oracle and --baseline')):
        for name in names:
            value = getattr(args, name)
            if value is not None and value is not False and not is_used:
                parser.error(f'--{name} {cure}')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='evaluate', description=__doc__)
    source = parser.add_argument_group('what is measured on')
    source.add_argument('--streets', type=_positive, metavar='N',
                        help='render N held-out street frames')
    source.add_argument('--size', type=image_size, metavar='HxW',
                        help='size of those frames (default: 512x1024)')
    source.add_argument('--seed', type=int,
                        help=f"the first frame's seed (default: {FIRST_HELD_OUT_SEED}, where "
                        'held-out seeds begin)')
    source.add_argument('--clip', type=_positive, metavar='FRAMES',
                        help='take so many frames of each of N drives, 10 a second, and measure '
                        'video panoptic quality, without and with tracking')
    for kind in DATASETS:
        source.add_argument(f'--{kind}', type=Path, metavar='DIR',
                            help=f'read the data set {kind} from its folder')
    source.add_argument('--split', metavar='NAME',
                        help='part of the data set (default: its validation images)')
    source.add_argument('--predictions', type=Path, metavar='DIR',
                        help='predicted label images: 16-bit PNG')
    source.add_argument('--truth', type=Path, metavar='DIR',
                        help='true label images with the same relative paths')
    source.add_argument('--labels', metavar='NAME|YAML',
                        help='label space of both folders (default: cityscapes)')
    predictor = parser.add_argument_group('what is measured')
    predictor.add_argument('--model', type=model_path,
                           help='a file, or the name of a shipped model (default: streets)')
    predictor.add_argument('--flip', action='store_true',
                           help='average the heads of each image and its mirror image')
    predictor.add_argument('--scales', type=model_path, nargs='+', metavar='MODEL',
                           help='average with the heads of the same network exported for other '
                           'sizes (`export --size`)')
    predictor.add_argument('--method', choices=('cpu', 'reference'),
                           help='how pixels are grouped (default: cpu)')
    predictor.add_argument('--baseline', choices=('color',),
                           help='instead of a model: nearest colour for each pixel')
    predictor.add_argument('--oracle', action='store_true',
                           help='instead of a model: the ground truth as ideal heads at full '
                           'resolution and at stride 4; what is lost is lost by any network')
    parser.add_argument('--workers', type=_positive,
                        help=f'processes (default: {DEFAULTS["workers"]}); with one, the network '
                        'uses all cores')
    add_json_argument(parser)
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r}: expected a whole number from 1')
    return int(text)


def _frames(args: argparse.Namespace) -> tuple[Dataset, dict[str, Any]]:
    """Return the frames, and what to call them."""
    if args.dataset is None:
        return (HeldOutStreets(args.streets, args.size, args.seed),
                {'streets': list(args.size), 'first_seed': args.seed})
    kind, folder = args.dataset
    dataset = open_dataset(kind, folder, args.split)
    return dataset, {'dataset': kind, 'description': dataset.description}


def _evaluate_model(args: argparse.Namespace) -> dict[str, Any]:
    frames, source = _frames(args)
    space = frames.label_space
    predictor, open_predictor = (
        _color_baseline(args, space) if args.baseline else _model(args, space))
    total = _run(args, range(len(frames)), space, Predicted(frames, open_predictor))
    return _report(total, args, {'source': source, 'predictor': predictor})


def _evaluate_clips(args: argparse.Namespace) -> dict[str, Any]:
    args.workers = 1        # the network takes all cores
    clips = Clips(args.streets, args.clip, args.size, args.seed)
    predictor, open_model = _model(args, clips.label_space)
    with closing(open_model()) as segmenter, progress_bar() as bar:
        task = bar.add_task('evaluating', total=clips.count * clips.frames)
        qualities = clips.measure(segmenter, lambda: bar.advance(task))
    print_table(f'VPQ of {clips.count} clips of {clips.frames} frames, in percent, and of windows '
                'of so many', CLIP_HEADER, clip_rows(qualities))
    return {'source': {'streets': list(args.size), 'first_seed': args.seed},
            'predictor': predictor, 'clips': clips.count, 'frames': clips.frames,
            'video_panoptic_quality': {name: quality.compute().to_dict()
                                       for name, quality in qualities.items()}}


def _evaluate_files(args: argparse.Namespace) -> dict[str, Any]:
    folders = LabelFolders(args.predictions, args.truth)
    space = LabelSpace.load(args.labels)
    total = _run(args, folders.names, space, folders)
    return _report(total, args, {'source': {
        'predictions': str(args.predictions), 'truth': str(args.truth), 'labels': space.name}})


def _ask_oracle(args: argparse.Namespace) -> dict[str, Any]:
    frames, source = _frames(args)
    space = frames.label_space
    full, coarse = (_run(args, range(len(frames)), space, Oracle(frames.truth, space, stride),
                         f'stride {stride}') for stride in ORACLE_STRIDES)
    print_table(f'{len(frames)} frames: ground truth as ideal heads, grouped again, in percent',
                ('', *(f'stride {stride}' for stride in ORACLE_STRIDES), 'lost'),
                comparison_rows(full, coarse))
    lost = {name: float(value - means(coarse)[name]) for name, value in means(full).items()}
    return {'source': source, 'frames': len(frames),
            'oracle': {f'stride_{stride}': total.to_dict() for stride, total in
                       zip(ORACLE_STRIDES, (full, coarse), strict=True)},
            'lost': {name: value if np.isfinite(value) else None
                     for name, value in lost.items()}}


def _model(args: argparse.Namespace,
           space: LabelSpace) -> tuple[dict[str, Any], Callable[[], Any]]:
    path = args.model or model_path('streets')
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
    with progress_bar() as bar:
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
    p50, p99 = p50_p99(1e3 * seconds)
    return {'prediction': {'p50_ms': p50, 'p99_ms': p99, 'frames_per_second': 1e3 / p50}}


if __name__ == '__main__':
    main()
