"""The command line of ``evaluate``: the data, the predictor and the measurement."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..arguments import image_size, whole
from ..datasets import DATASETS, VIDEOS
from ..images.files import PICTURE_SUFFIXES
from ..processes import cores
from ..report import add_json_argument
from ..resources import model_path
from ..streets import FIRST_HELD_OUT_SEED, PLAIN
from .family_arguments import add_family_arguments, argument_names
from .opening import add_device_arguments
from .variety import variety

DEFAULTS = {'size': (512, 1024), 'seed': FIRST_HELD_OUT_SEED, 'variety': PLAIN, 'scales': (),
            'method': 'cpu', 'device': 'auto', 'gpu': 0, 'workers': min(cores(), 8)}
"""Defaults of the options that only some measurements have."""


def parse(description: str | None,
          argv: Sequence[str] | None) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """
    Read the command line; the command ends with one line if options do not go together.

    The result's ``dataset`` is (kind, folder) if a data set is given, else None.
    """
    parser = _parser(description)
    args = parser.parse_args(argv)
    if args.truth is not None and args.predictions is None and args.images is None:
        parser.error('--predictions and --truth go together: give the folders of both (or, to '
                     'measure a model, those of --images and --truth)')
    if args.images is not None and (None in (args.truth, args.labels) or args.predictions):
        parser.error('--images, --truth and --labels go together, to measure a model: give the '
                     'folder of the pictures, that of their label images and the label space')
    datasets = [(kind, folder) for kind in (*DATASETS, 'images')
                if (folder := getattr(args, kind.replace('-', '_'))) is not None]
    if args.class_agnostic and args.predictions is None:
        parser.error('--class-agnostic measures the segments of others: give their folder with '
                     '--predictions DIR (--views measures a model without its classes, too)')
    files = args.truth if args.class_agnostic else args.predictions
    if (args.streets is not None) + (files is not None) + len(datasets) != 1:
        parser.error('give either --streets N, a data set such as --cityscapes DIR, or '
                     '--predictions DIR with --truth DIR')
    if files is not None and args.truth is None:
        parser.error('--predictions and --truth go together: give the folders of both (segments '
                     'without classes, --class-agnostic, are measured on a data set as well)')
    args.dataset = datasets[0] if datasets else None
    _refuse_what_has_no_effect(parser, args)
    if args.method or args.flip or args.scales:
        if args.device == 'gpu':
            parser.error('--method, --flip and --scales are of the processor: leave out --device '
                         'gpu')
        args.device = 'cpu'
    vars(args).update({name: value for name, value in DEFAULTS.items()
                       if getattr(args, name) is None})
    return parser, args


def _refuse_what_has_no_effect(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """End the command with an error if an option has no effect on this measurement."""
    is_model = not (args.predictions or args.oracle or args.baseline)
    for names, is_used, cure in (
            (('size', 'seed', 'variety'), args.streets is not None,
             'renders frames: give --streets N'),
            (('baseline',), args.streets is not None and not args.predictions,
             'learns the colours of streets: give --streets N'),
            (('clip',), args.streets is not None and is_model,
             'renders drives for a model: give --streets N, without --oracle and --baseline'),
            (('video',), args.dataset and args.dataset[0] in VIDEOS and is_model,
             f'follows the frames of a video for a model: give --{" or --".join(VIDEOS)} DIR, '
             'without --oracle and --baseline'),
            (('workers', 'ray'), not (args.clip or args.video),
             'has no effect on clips, whose frames follow each other: leave it out'),
            (('split',), args.dataset and not args.images, 'is a part of a data set: give one, '
             'such as --cityscapes DIR'),
            (('held_out',), args.images, 'is a share of the frames of --images: give them'),
            (('labels',), args.truth or args.coco, 'is the label space of label images, or of '
             '--coco with other classes: give --predictions DIR or --images DIR with --truth DIR, '
             'or --coco DIR'),
            (('views',), not (args.clip or args.video or args.oracle or args.class_agnostic),
             'measures single frames of a prediction with classes: leave out --clip, --video, '
             '--oracle and --class-agnostic'),
            (('picture',), args.views and not args.predictions,
             'draws a frame that is predicted: give --views, and frames with --streets N or a '
             'data set'),
            (('oracle',), not (args.predictions or args.baseline), 'needs a ground truth alone: '
             'give --streets N or a data set, and no --baseline'),
            (('model', 'flip', 'scales', 'method', 'device', 'gpu', *argument_names()), is_model,
             'is of a model: leave out --predictions, --oracle and --baseline')):
        for name in names:
            value = getattr(args, name)
            if value is not None and value is not False and not is_used:
                parser.error(f'--{name.replace("_", "-")} {cure}')


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='evaluate', description=description)
    source = parser.add_argument_group('what is measured on')
    source.add_argument('--streets', type=whole(1), metavar='N',
                        help='render N held-out street frames')
    source.add_argument('--size', type=image_size, metavar='HxW',
                        help='size of those frames (default: 512x1024)')
    source.add_argument('--seed', type=int,
                        help=f"the first frame's seed (default: {FIRST_HELD_OUT_SEED}, where "
                        'held-out seeds begin)')
    source.add_argument('--variety', type=variety, metavar='NAME',
                        help='how varied they are: plain or varied (default: plain)')
    source.add_argument('--clip', type=whole(1), metavar='FRAMES',
                        help='take so many frames of each of N drives, 10 a second, and measure '
                        'video panoptic quality, without and with tracking')
    for kind in DATASETS:
        source.add_argument(f'--{kind}', type=Path, metavar='DIR',
                            help=f'read the data set {kind} from its folder')
    source.add_argument('--images', type=Path, metavar='DIR',
                        help='read pictures of your own, with their label images in --truth and '
                        'their label space in --labels, as `train` does')
    source.add_argument('--held-out', type=float, metavar='SHARE',
                        help='of --images, take only the frames that `train` holds out (there '
                        '--validation, 0.1 by default)')
    source.add_argument('--split', metavar='NAME',
                        help='part of the data set (default: its validation images)')
    source.add_argument('--video', action='store_true',
                        help=f'take the frames of {" or ".join(VIDEOS)} as video, and measure '
                        'video panoptic quality, without and with tracking')
    source.add_argument('--predictions', type=Path, metavar='DIR',
                        help='predicted label images: 16-bit PNG')
    source.add_argument('--truth', type=Path, metavar='DIR',
                        help='true label images with the same relative paths')
    source.add_argument('--class-agnostic', action='store_true',
                        help='the predictions are ids of segments without classes (0 where there '
                        'is none), such as the automatic masks of Segment Anything: DIR/NAME.png '
                        'for each image of --streets or a data set by its NAME there, or with the '
                        'relative paths of --truth')
    source.add_argument('--labels', metavar='NAME|YAML',
                        help='label space of label images (default: cityscapes), or of --coco')
    predictor = parser.add_argument_group('what is measured')
    predictor.add_argument('--model', type=model_path,
                           help='a file, or the name of a shipped model (default: streets)')
    predictor.add_argument('--flip', action='store_true',
                           help='average the heads of each image and its mirror image; of the '
                           'family deeplab')
    predictor.add_argument('--scales', type=model_path, nargs='+', metavar='MODEL',
                           help='average with the heads of the same network exported for other '
                           'sizes (`export --size`); of the family deeplab')
    predictor.add_argument('--method', choices=('cpu', 'reference'),
                           help='how outputs are decoded (default: cpu)')
    predictor.add_argument('--baseline', choices=('color',),
                           help='instead of a model: nearest colour for each pixel')
    predictor.add_argument('--oracle', action='store_true',
                           help='instead of a model: the ground truth as ideal heads at full '
                           'resolution and at stride 4; what is lost is lost by any network')
    predictor.add_argument('--views', action='store_true',
                           help='also print the panoptic, semantic, instance and class-agnostic '
                           'view side by side, and to which errors PQ is lost')
    predictor.add_argument('--picture', type=_picture, metavar='FILE',
                           help='draw the first frame as each view has it')
    add_device_arguments(predictor)
    add_family_arguments(parser, 'what the model recommends')
    parser.add_argument('--workers', type=whole(1),
                        help=f'processes (default: {DEFAULTS["workers"]}); with one, the network '
                        'uses all cores')
    parser.add_argument('--ray', metavar='ADDRESS',
                        help="compute on a Ray cluster: its address, 'auto', or 'local'; every "
                        'machine needs the data and the model under the same paths')
    add_json_argument(parser)
    return parser


def _picture(text: str) -> Path:
    if Path(text).suffix.lower() not in PICTURE_SUFFIXES:
        raise argparse.ArgumentTypeError(f'{text!r}: expected the name of a picture, with one of '
                                         f'{", ".join(PICTURE_SUFFIXES)}')
    return Path(text)
