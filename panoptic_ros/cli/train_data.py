"""The frames that ``train`` trains on, and those that it measures on."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from ..datasets import DATASETS, SPLITS, Dataset, LabelledFolders, open_dataset
from ..datasets.dataset import FrameSource
from ..datasets.looking import look
from ..datasets.parts import held_out
from ..evaluation.held_out import HeldOutStreets
from ..labels import LabelSpace
from ..network.frames import StreetFrames
from ..network.recipe import KINDS
from ..streets import FIRST_HELD_OUT_SEED
from .train_arguments import HELD_OUT

FOLLOWED = FIRST_HELD_OUT_SEED + 100_000
"""The first seed of the streets that follow a training; `evaluate` measures on others."""
_MOST_STREETS = 200


class Data(NamedTuple):
    """What a training reads."""

    kind: str
    """The kind of data for which a recipe is."""
    frames: FrameSource
    held_out: Dataset
    """Frames that are not trained on."""
    size: tuple[int, int] | None
    """Median (height, width) of the frames; None if they are made in the size of the recipe."""
    notes: tuple[str, ...]
    """What the person should know of them, in words."""


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """
    End the command if its options about data do not go together.

    The arguments' ``dataset`` is (kind, folder) if a data set is given, else None.
    """
    given = [(kind, folder) for kind in DATASETS
             if (folder := getattr(args, kind.replace('-', '_'))) is not None]
    if len(given) + (args.images is not None) > 1:
        parser.error('give one of --' + ', --'.join([*DATASETS, 'images'])
                     + ': a training is on one data set')
    args.dataset = given[0] if given else None
    own = (args.images, args.truth, args.labels)
    if (args.images or args.truth) and None in own:
        parser.error('--images, --truth and --labels go together: give the folder of the '
                     'pictures, that of their label images and the label space')
    if args.labels and not args.images and not args.coco:
        parser.error('--labels is the label space of --images or of --coco; the other data sets '
                     'have their own')
    if args.split and not args.dataset:
        parser.error('--split is a part of a data set: give one, such as --cityscapes DIR')
    share = _share(args.validation)
    if args.validation is not None and not args.dataset and (share is None or not args.images):
        parser.error('--validation is a part of a data set, or a share of the frames of one or '
                     'of --images: give one of them, and of --images a share such as 0.1')
    if share is not None and not 0 < share < 1:
        parser.error(f'--validation {args.validation}: expected a share between 0 and 1, or the '
                     'name of a part of a data set')


def opened(args: argparse.Namespace) -> Data | None:
    """
    Open the data that the arguments name, and look at some frames; None for streets.

    Raises
    ------
    FileNotFoundError
        Frames are missing, or a file without which they cannot be read.
    ValueError
        A file cannot be read, has labels of another kind, or of another size than its image.

    """
    space = LabelSpace.load(args.labels) if args.labels else None
    notes: tuple[str, ...] = ()
    measured: Dataset | None = None
    whole: Dataset
    if args.dataset is None:
        if space is None:
            return None
        kind, whole = 'own', LabelledFolders(args.images, args.truth, space)
    else:
        name, folder = args.dataset
        kind = name if name in KINDS else 'own'
        whole = open_dataset(name, folder, args.split or SPLITS[name][0], space)
        measured, notes = _validation(args, space)
    frames = whole
    if measured is None:
        frames, measured = held_out(whole, _share(args.validation) or HELD_OUT)
    seen, other = look(frames), look(measured)
    found = tuple(dict.fromkeys((*seen.notes, *other.notes)))
    return Data(kind, frames, measured, seen.size, notes + found)


def _validation(args: argparse.Namespace,
                space: LabelSpace | None) -> tuple[Dataset | None, tuple[str, ...]]:
    """Return the part of the data set to measure on, or None, and what is to be said of it."""
    if _share(args.validation) is not None:
        return None, ()
    name, folder = args.dataset
    part = args.validation or SPLITS[name][1]
    try:
        return open_dataset(name, folder, part, space), ()
    except FileNotFoundError as error:
        if args.validation is not None:
            raise
        return None, (f'no part {part!r} to measure on ({error}): {HELD_OUT:.0%} of the frames '
                      'are held out in its place',)


def streets(args: argparse.Namespace, size: tuple[int, int]) -> Data:
    """
    Return street frames of a size (height, width), which are still to be rendered.

    Raises
    ------
    ValueError
        Their number is out of range, or some drives are held out.

    """
    return Data('streets', StreetFrames(args.data, args.frames, size, args.first_drive,
                                         tuple(args.variety)),
                HeldOutStreets(_MOST_STREETS, size, FOLLOWED), None, ())


def _share(text: str | None) -> float | None:
    """Return the number that a text is; None for a name, or nothing."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
