"""PQ, SQ, RQ, AP, mIoU and VPQ of a model on data sets or held-out streets, or of files."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing, nullcontext
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.progress import track

from ..datasets import Dataset, LabelledFolders, Video, open_dataset
from ..datasets.parts import held_out
from ..evaluation import Evaluation
from ..evaluation.class_agnostic import ClassAgnostic
from ..evaluation.clips import CLIP_HEADER, DriveClips, VideoClips, clip_rows
from ..evaluation.color_baseline import ColorBaseline
from ..evaluation.held_out import HeldOutStreets, single_frame
from ..evaluation.label_files import LabelFolders
from ..evaluation.parallel import Measure, accumulate
from ..evaluation.predicted import Predicted
from ..evaluation.segment_files import SegmentFiles, TruthFolder
from ..evaluation.tables import (
    CLASS_HEADER,
    MEAN_HEADER,
    class_rows,
    comparison_rows,
    mean_rows,
    means,
)
from ..evaluation.views import Views
from ..images import files as image_files
from ..labels import LabelSpace
from ..panoptic import Panoptic
from ..report import p50_p99, print_table, progress_bar, write_json
from ..streets.variety import name_of
from .command import command, say
from .evaluate_arguments import parse
from .evaluate_model import opener
from .evaluate_views import NOT_MEASURED, print_segments, print_views
from .opening import FAILURES

M = TypeVar('M', bound=Measure)

BASELINE_FRAMES = 60
"""Frames of training seeds, from 0, whose colours the baseline learns."""
LABELS = 'cityscapes'
"""The label space of label images if none is given."""
ORACLE_STRIDES = (1, 4)
"""The strides of full resolution and of the heads."""


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the tables, and write them to the file of ``--json``."""
    parser, args = parse(__doc__, argv)
    try:
        measure = (_evaluate_segments if args.class_agnostic else
                   _evaluate_files if args.predictions is not None else
                   _ask_oracle if args.oracle else
                   _evaluate_clips if args.clip or args.video else _evaluate_model)
        if args.picture is not None:
            image_files.check_writable(args.picture)
        write_json(args.json, measure(args))
        if args.picture is not None:
            args.draw()     # last: a measurement is not lost for its picture
    except BrokenProcessPool:
        parser.exit(1, f'{parser.prog}: a process that evaluates was killed: free memory, or take '
                    'fewer --workers\n')
    except FAILURES as error:
        parser.exit(1, f'{parser.prog}: {error}\n')


def _frames(args: argparse.Namespace) -> tuple[Dataset, dict[str, Any]]:
    """Return the frames, and their description for the report."""
    if args.dataset is None:
        return (HeldOutStreets(args.streets, args.size, args.seed, args.variety),
                {'streets': list(args.size), 'first_seed': args.seed,
                 'variety': name_of(args.variety)})
    kind, folder = args.dataset
    space = LabelSpace.load(args.labels) if args.labels else None
    dataset: Dataset
    if kind == 'images':
        assert space is not None
        dataset = LabelledFolders(folder, args.truth, space)
        if args.held_out is not None:
            dataset = held_out(dataset, args.held_out)[1]
    else:
        dataset = open_dataset(kind, folder, args.split, space)
    return dataset, {'dataset': kind, 'description': dataset.description}


def _evaluate_model(args: argparse.Namespace) -> dict[str, Any]:
    frames, source = _frames(args)
    space = frames.label_space
    predictor, open_predictor = (
        _color_baseline(args, space) if args.baseline else opener(args, space))
    total = _run(args, range(len(frames)), _empty(args, space), Predicted(frames, open_predictor))
    args.draw = partial(_draw, args.picture, frames, open_predictor)
    return _report(total, args, {'source': source, 'predictor': predictor})


def _draw(path: Path, frames: Dataset, open_predictor: Callable[[], Any]) -> None:
    from .views_picture import four_views

    image = frames.image(0)
    found = open_predictor()(image)
    panoptic = (found if isinstance(found, Panoptic) else
                Panoptic.from_labels(found, frames.label_space))
    image_files.write(path, four_views(image, panoptic))
    print(f'{path}: {frames.names[0]} as each view has it')


def _evaluate_clips(args: argparse.Namespace) -> dict[str, Any]:
    args.workers = 1        # the network takes all cores
    frames, source = _frames(args)
    clips = (VideoClips(frames) if isinstance(frames, Video) else
             DriveClips(args.streets, args.clip, args.size, args.seed, args.variety))
    predictor, open_model = opener(args, clips.label_space)
    lengths = clips.lengths()
    with closing(open_model()) as segmenter, progress_bar() as bar:
        task = bar.add_task('evaluating', total=sum(lengths))
        qualities = clips.measure(segmenter, lambda: bar.advance(task))
    print_table(f'VPQ of {sum(lengths)} frames in {len(lengths)} clips, in percent, and of '
                'windows of so many', CLIP_HEADER, clip_rows(qualities))
    return {'source': source, 'predictor': predictor, 'clips': len(lengths),
            'frames': args.clip or sum(lengths),
            'video_panoptic_quality': {name: quality.compute().to_dict()
                                       for name, quality in qualities.items()}}


def _evaluate_files(args: argparse.Namespace) -> dict[str, Any]:
    folders = LabelFolders(args.predictions, args.truth)
    space = LabelSpace.load(args.labels or LABELS)
    _tell_unused(args, folders.unused)
    total = _run(args, folders.names, _empty(args, space), folders)
    alone = total.crowd_alone()
    if alone:
        raise ValueError(
            f'{args.truth} has {", ".join(alone)} as crowd alone (things without an instance), so '
            f'that {sum(alone.values())} predictions are false and none can be true: number its '
            'instances, or take a label space in which they are stuff, as in --labels kitti-step')
    return _report(total, args, {'source': {
        'predictions': str(args.predictions), 'truth': str(args.truth), 'labels': space.name}})


def _evaluate_segments(args: argparse.Namespace) -> dict[str, Any]:
    if args.truth is None:
        frames, source = _frames(args)
        segments = SegmentFiles(args.predictions, frames)
    else:
        space = LabelSpace.load(args.labels or LABELS)
        segments = SegmentFiles(args.predictions, TruthFolder(args.truth, space))
        source = {'truth': str(args.truth), 'labels': space.name}
    _tell_unused(args, segments.unused)
    total = _run(args, range(len(segments)), ClassAgnostic, segments)
    print_segments(total, len(segments))
    return {'source': {'predictions': str(args.predictions), **source}, 'workers': args.workers,
            'frames': len(segments), 'views': {'class-agnostic': total.to_dict()},
            'not_measured': NOT_MEASURED}


def _tell_unused(args: argparse.Namespace, files: int) -> None:
    if files:
        say('evaluate', f'{files} PNG file{"s" if files > 1 else ""} of {args.predictions} '
            'without a truth: not measured')


def _ask_oracle(args: argparse.Namespace) -> dict[str, Any]:
    from ..evaluation.deeplab.oracle import Oracle

    frames, source = _frames(args)
    space = frames.label_space
    full, coarse = (_run(args, range(len(frames)), partial(Evaluation, space),
                         Oracle(frames.truth, space, stride), f'stride {stride}')
                    for stride in ORACLE_STRIDES)
    print_table(f'{len(frames)} frames: ground truth as ideal heads, grouped again, in percent',
                ('', *(f'stride {stride}' for stride in ORACLE_STRIDES), 'lost'),
                comparison_rows(full, coarse))
    lost = {name: float(value - means(coarse)[name]) for name, value in means(full).items()}
    return {'source': source, 'frames': len(frames),
            'oracle': {f'stride_{stride}': total.to_dict() for stride, total in
                       zip(ORACLE_STRIDES, (full, coarse), strict=True)},
            'lost': {name: value if np.isfinite(value) else None
                     for name, value in lost.items()}}


def _color_baseline(args: argparse.Namespace,
                    space: LabelSpace) -> tuple[dict[str, Any], Callable[[], Any]]:
    baseline = ColorBaseline.fit(
        (single_frame(seed, args.size)
         for seed in track(range(BASELINE_FRAMES), 'learning colours')), space)
    return {'baseline': 'color', 'training_frames': BASELINE_FRAMES}, partial(copy, baseline)


def _empty(args: argparse.Namespace, space: LabelSpace) -> Callable[[], Evaluation]:
    return partial(Views if args.views else Evaluation, space)


def _run(args: argparse.Namespace, items: Sequence[Any], empty: Callable[[], M],
         load: Callable[[Any], Any], title: str = 'evaluating') -> M:
    with _spread(args) as spread, progress_bar() as bar:
        task = bar.add_task(title, total=len(items))
        return accumulate(empty, items, load, min(args.workers, len(items)),
                          lambda done: bar.update(task, completed=done), spread)


def _spread(args: argparse.Namespace) -> AbstractContextManager[Any]:
    if args.ray is None:
        return nullcontext()
    from ..offline.spreading import spread

    return spread(args.ray)


def _report(total: Evaluation, args: argparse.Namespace, about: dict[str, Any]) -> dict[str, Any]:
    """Print the tables; return the report for ``--json``, which holds more than the tables."""
    report = {**about, 'workers': args.workers, 'frames': total.panoptic_quality.images,
              'crowd_alone': total.crowd_alone(), **total.to_dict(), **_times(total)}
    mean = means(total)
    print_table(f'{report["frames"]} frames, in percent', CLASS_HEADER, class_rows(total))
    print_table('means over the classes that occur', MEAN_HEADER, mean_rows(total))
    if total.numbers_no_thing():
        print('no thing of the truth has the number of an instance, so none is measured: are '
              'these semantic labels, in place of panoptic ones?')
    if report['crowd_alone']:
        print('of these frames the truth has only crowd of ' + ', '.join(
            f'{name} ({false} false predictions, none can be true)'
            for name, false in report['crowd_alone'].items())
            + ': the means count 0 for it, as the official evaluators do; take more frames')
    print(f'AP {mean["AP"]:.2f}, AP50 {mean["AP50"]:.2f}, mIoU {mean["mIoU"]:.2f}, pixel accuracy '
          f'{total.mean_iou.compute().pixel_accuracy:.2f}')
    if isinstance(total, Views):
        print_views(total)
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
