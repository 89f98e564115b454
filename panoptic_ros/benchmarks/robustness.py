"""How well models withstand what a real camera does to an image, by cause and by class."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

from ..arguments import image_size, whole
from ..datasets import DATASETS, Dataset, LabelledFolders, open_dataset
from ..datasets.parts import spread
from ..evaluation.corruptions import CORRUPTIONS, corrupt
from ..evaluation.held_out import HeldOutStreets
from ..evaluation.robustness import CLEAN, Outcome
from ..evaluation.translation import translation
from ..evaluation.viewpoints import VIEWPOINTS
from ..labels import LabelSpace
from ..panoptic import Panoptic
from ..pipelines.opening import DEVICES
from ..report import progress_bar
from ..resources import model_path
from ..segmenter import Segmenter, Setup
from ..streets import FIRST_HELD_OUT_SEED, VARIETIES
from .robustness_tables import print_outcomes

_STREETS: Mapping[str, Any] = {'size': (512, 1024), 'seed': FIRST_HELD_OUT_SEED,
                               'variety': 'plain'}
"""The defaults of options that only streets have."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``benchmark robustness``."""
    parser.add_argument('--model', type=model_path, nargs='+', metavar='MODEL',
                        help='files, or names of shipped models, which all see the same images '
                        '(default: streets)')
    parser.add_argument('--frames', type=whole(1), default=40,
                        help='frames of held-out streets, or at most so many of a data set, '
                        'evenly spread (default: %(default)s)')
    parser.add_argument('--conditions', nargs='+', metavar='NAME', help='only these: ' + ', '.join(
        f'"{name}"' if ' ' in name else name for name in (*CORRUPTIONS, *VIEWPOINTS))
        + ' (default: all that the frames allow)')
    parser.add_argument('--size', type=image_size, metavar='HxW',
                        help='size of the streets (default: 512x1024)')
    parser.add_argument('--seed', type=int, help="the first street's seed (default: "
                        f'{FIRST_HELD_OUT_SEED}, where held-out seeds begin)')
    parser.add_argument('--variety', choices=tuple(VARIETIES),
                        help='how varied the streets are (default: plain)')
    for kind in DATASETS:
        parser.add_argument(f'--{kind}', type=Path, metavar='DIR',
                            help=f'in place of streets, the data set {kind} in its folder')
    parser.add_argument('--images', type=Path, metavar='DIR',
                        help='in place of streets, pictures of your own; with --truth and '
                        '--labels')
    parser.add_argument('--truth', type=Path, metavar='DIR', help='their label images')
    parser.add_argument('--labels', metavar='NAME|YAML', help='their label space')
    parser.add_argument('--split', metavar='NAME',
                        help='part of the data set (default: its validation images)')
    parser.add_argument('--device', choices=DEVICES, default='auto',
                        help='where the models run (default: %(default)s)')
    parser.add_argument('--threads', type=whole(0), default=0,
                        help='threads of the networks on a CPU (default: one per core)')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """
    Show all models the same images under every condition; report what each makes of them.

    Raises
    ------
    OSError, ValueError
        Options do not go together, or frames or a model cannot be read, or do not fit.

    """
    frames = _frames(args)
    conditions = _conditions(args.conditions, isinstance(frames, HeldOutStreets))
    models = args.model or [model_path('streets')]
    with ExitStack() as stack:
        segmenters = [stack.enter_context(closing(Segmenter.open(
            path, args.device, setup=Setup(threads=args.threads)))) for path in models]
        for path, segmenter in zip(models, segmenters, strict=True):
            _check_classes(path, segmenter.label_space, frames.label_space)
        outcomes = _measure(frames, segmenters, conditions)
        described = [f'{path.stem} ({segmenter.metadata.network}, '
                     f'{"x".join(map(str, segmenter.metadata.input_size))})'
                     for path, segmenter in zip(models, segmenters, strict=True)]
    print_outcomes(frames.description, described, outcomes)
    return {'source': frames.description, 'frames': len(frames), 'models': [
        {'model': str(path), 'description': words,
         'conditions': {name: outcome.to_dict() for name, outcome in each.items()}}
        for path, words, each in zip(models, described, outcomes, strict=True)]}


def _frames(args: argparse.Namespace) -> Dataset:
    """Return the frames that the options ask for."""
    kinds = [kind for kind in (*DATASETS, 'images') if vars(args)[kind.replace('-', '_')]]
    if len(kinds) > 1:
        raise ValueError(f'--{kinds[0]} and --{kinds[1]}: expected one set of frames')
    if bool(args.images) != bool(args.truth) or (args.images and not args.labels):
        raise ValueError('--images, --truth and --labels go together: give the folder of the '
                         'pictures, that of their label images and the label space')
    without = [name for name in (_STREETS if kinds else ('split', 'labels'))
               if vars(args)[name] is not None]
    if without:
        raise ValueError(f'--{without[0]} is of {"streets" if kinds else "a data set"}: '
                         'leave it out')
    if not kinds:
        chosen = {name: default if vars(args)[name] is None else vars(args)[name]
                  for name, default in _STREETS.items()}
        return HeldOutStreets(args.frames, chosen['size'], chosen['seed'],
                              VARIETIES[chosen['variety']])
    space = LabelSpace.load(args.labels) if args.labels else None
    if args.images:
        assert space is not None
        return spread(LabelledFolders(args.images, args.truth, space), args.frames)
    folder = vars(args)[kinds[0].replace('-', '_')]
    return spread(open_dataset(kinds[0], folder, args.split, space), args.frames)


def _conditions(asked: Sequence[str] | None, has_streets: bool) -> tuple[str, ...]:
    """Return the names of the conditions, without the one in which nothing is changed."""
    possible = (*CORRUPTIONS, *(VIEWPOINTS if has_streets else ()))
    unknown = [name for name in asked or () if name not in possible]
    if unknown:
        seen = unknown[0] in VIEWPOINTS
        raise ValueError(f'condition {unknown[0]!r}' + (
            ' is another camera, which only streets can have' if seen else
            f': expected some of {", ".join(possible)}'))
    return tuple(name for name in possible if asked is None or name in asked)


def _check_classes(path: Path, known: LabelSpace, measured: LabelSpace) -> None:
    if known != measured:
        try:
            translation(known, measured)
        except ValueError as error:
            raise ValueError(f'{path} cannot be measured on these frames: {error}') from error


class _View(NamedTuple):
    """An image under a condition."""

    condition: str
    image: Any
    truth: Any
    comparable: bool
    """Whether its pixels are those of the unchanged image."""


def _measure(frames: Dataset, segmenters: Sequence[Segmenter],
             conditions: Sequence[str]) -> list[dict[str, Outcome]]:
    """Return for each model its outcomes by condition."""
    outcomes = [{name: Outcome(frames.label_space) for name in (CLEAN, *conditions)}
                for _ in segmenters]
    clean: list[Panoptic] = []
    with progress_bar() as bar:
        task = bar.add_task('segmenting', total=len(frames) * (1 + len(conditions)))
        for index in range(len(frames)):
            for view in _views(frames, index, conditions):
                found = [segmenter(view.image) for segmenter in segmenters]
                if view.condition == CLEAN:
                    clean = found
                for each, panoptic, before in zip(outcomes, found, clean, strict=True):
                    each[view.condition].update(panoptic, view.truth,
                                                before if view.comparable else None)
                bar.advance(task)
    return outcomes


def _views(frames: Dataset, index: int, conditions: Sequence[str]) -> Iterator[_View]:
    """Yield a frame unchanged, then under each condition; the same bytes in every run."""
    image, truth = frames[index]
    yield _View(CLEAN, image, truth, comparable=False)
    for name in conditions:
        if name in VIEWPOINTS:
            assert isinstance(frames, HeldOutStreets)
            yield _View(name, *VIEWPOINTS[name].frame(frames, index), comparable=False)
        else:
            yield _View(name, corrupt(image, name, index), truth, comparable=True)
