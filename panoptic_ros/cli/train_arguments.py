"""The command line of ``train``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..arguments import image_size, whole
from ..datasets import DATASETS, SPLITS
from ..network.machine import written
from ..network.presets import presets, recipes
from ..network.recipe import KINDS
from ..processes import cores
from ..streets import PLAIN, VARIED
from .variety import variety

PRESETS = presets()
NETWORK = 'mobile'
"""The network that is trained if none is named."""
IMAGENET = Path('imagenet')
"""Stands for the ImageNet weights that come as a Python package."""
OF_DEEPLAB = ('hardest', 'consistency')
"""The settings that only recipes of Panoptic-DeepLab have."""
HELD_OUT = 0.1
"""Share of the frames that is held out for measuring if nothing else is."""


def train_parser(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(prog='train', description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', type=Path, metavar='RUN', help='folder of this training')
    parser.add_argument('--network', choices=sorted(PRESETS), metavar='NAME',
                        help=f'one of {", ".join(sorted(PRESETS))} (default: {NETWORK}; '
                        'with --resume that of the checkpoint)')
    start = parser.add_mutually_exclusive_group()
    start.add_argument('--resume', action='store_true', help='go on from RUN/checkpoint.pt')
    start.add_argument('--weights', type=Path, metavar='FILE',
                       help='start from the weights of another training: its checkpoint, or, of '
                       'a Panoptic-DeepLab, the .onnx file that was exported from it')
    start.add_argument('--backbone', type=Path, metavar='FILE',
                       help='start from a backbone that was trained elsewhere, as the published '
                       'trainings do: a checkpoint or .onnx file of another network with the same '
                       'backbone, detectron2 R-52.pkl, or a .pth of torchvision; or the word '
                       'imagenet, for weights that come as a Python package')

    _add_length(parser.add_argument_group(
        'length and learning rate', 'Without a GPU, steps, batch, size and crop are smaller by '
        'default; the command says how much.'))
    _add_data(parser.add_argument_group('data'))
    _add_crops(parser.add_argument_group('crops'))
    _add_machine(parser.add_argument_group('machine and times'))
    return parser


def _add_length(length: argparse._ArgumentGroup) -> None:
    either = length.add_mutually_exclusive_group()
    either.add_argument('--steps', type=int,
                        help=f'steps to train, reproducible ({_default("steps")})')
    either.add_argument('--minutes', type=float, default=0.0,
                        help='minutes to train: as many steps as fit, whatever the machine')
    length.add_argument('--batch', type=int,
                        help='images per step, on all GPUs together: crops, times their looks '
                        f'({_default("batch")})')
    length.add_argument('--rate', type=float, help=f'highest learning rate ({_default("rate")})')
    length.add_argument('--backbone-rate', type=float, metavar='FACTOR',
                        help="the backbone's learning rate, as a multiple; 0 freezes the backbone "
                        f'({_default("backbone_rate")})')
    length.add_argument('--frozen-norms', action='store_true', default=None,
                        help="keep the backbone's batch norms as they are: what they know of "
                        'photographs is not replaced by what rendered frames are like')
    length.add_argument('--frozen-stride', type=int, metavar='STRIDE',
                        help="keep the backbone's layers up to this stride as they are "
                        f'({_default("frozen_stride")})')
    length.add_argument('--warmup', type=float, metavar='SHARE',
                        help='share of the training in which the rate rises '
                        f'({_default("warmup")})')
    length.add_argument('--hardest', type=float, metavar='SHARE',
                        help='of Panoptic-DeepLab: share of the pixels, the hardest ones, over '
                        'which the cross-entropy averages in the end (default: the published one)')
    length.add_argument('--consistency', type=float, metavar='WEIGHT',
                        help='of Panoptic-DeepLab: take two looks of each crop, and weigh by this '
                        'how much their classes differ (default: 0, one look)')
    length.add_argument('--seed', type=int, default=0,
                        help='seed of the weights, the crops and the order (default: 0)')


def _add_data(data: argparse._ArgumentGroup) -> None:
    for kind in DATASETS:
        data.add_argument(f'--{kind}', type=Path, metavar='DIR',
                          help=f'train on the data set {kind} in its official layout')
    data.add_argument('--images', type=Path, metavar='DIR',
                      help='train on the pictures in a folder, with --truth and --labels')
    data.add_argument('--truth', type=Path, metavar='DIR',
                      help='the label images of --images: 16-bit PNG of class_id * label_divisor '
                      '+ instance, 65535 unlabelled, with the same relative paths')
    data.add_argument('--labels', metavar='NAME|YAML',
                      help='label space of --images, or of --coco where the classes are others '
                      "than COCO's")
    data.add_argument('--split', metavar='NAME',
                      help='part of the data set to train on (default: '
                      f'{", ".join(sorted({train for train, _ in SPLITS.values()}))})')
    data.add_argument('--validation', metavar='SHARE|NAME',
                      help='frames to measure on: a share of the frames, chosen by their names, '
                      "or another part of the data set (default: the data set's own for that, "
                      f'where it is there; else {HELD_OUT})')
    data.add_argument('--frames', type=int, default=2400, metavar='N',
                      help='without such data: street frames to render (default: 2400, 2.6 MB '
                      'each)')
    data.add_argument('--variety', type=variety, nargs='+', default=[PLAIN, VARIED],
                      metavar='NAME', help='how varied their drives are, in turns: plain or '
                      'varied (default: both)')
    data.add_argument('--first-drive', type=int, default=0, metavar='SEED',
                      help='seed of the first drive that they are of (default: 0)')
    data.add_argument('--data', type=Path, default=Path('runs/frames'), metavar='DIR',
                      help='folder that keeps the street frames (default: %(default)s)')


def _add_crops(data: argparse._ArgumentGroup) -> None:
    data.add_argument('--size', type=image_size, metavar='HxW',
                      help='size that a frame is thought to have: a magnification of 1 gives it '
                      'as many pixels, and the pixel scales of the targets go with it '
                      f'({_default("size")})')
    data.add_argument('--crop', type=image_size, metavar='HxW',
                      help='size of a crop, 1 more by default for networks that align corners '
                      f'({_default("crop")})')
    data.add_argument('--scale', type=float, nargs=2, metavar=('MIN', 'MAX'),
                      help=f'magnification of a crop ({_default("scale")})')
    data.add_argument('--randomised', type=float, metavar='SHARE',
                      help='share of the crops that are given another light, colour, texture, '
                      f'lens and sensor at random ({_default("randomised")})')
    data.add_argument('--stretch', type=float, metavar='RATIO',
                      help='largest ratio of the magnifications along height and width '
                      f'({_default("stretch")})')
    data.add_argument('--crops-per-frame', type=int, metavar='K',
                      help=f'crops of a frame in a batch ({_default("crops_per_frame")})')


def _add_machine(machine: argparse._ArgumentGroup) -> None:
    machine.add_argument('--device', default='auto',
                         help='cpu, cuda or cuda:N (default: the GPU where there is one)')
    machine.add_argument('--full-precision', action='store_true',
                         help='no half precision on the GPU')
    machine.add_argument('--workers', type=whole(1), default=min(cores(), 8),
                         help='processes that render (default: %(default)s)')
    machine.add_argument('--loaders', type=whole(0),
                         help='processes that cut crops, for each GPU (default: 1 without a GPU, '
                         'else one less than its share of the cores, at most 8)')
    machine.add_argument('--threads', type=whole(0), default=0,
                         help='threads of the arithmetic; 0 for all cores (default: 0)')
    machine.add_argument('--save-minutes', type=float, default=3.0, metavar='M',
                         help='time between checkpoints (default: 3)')
    machine.add_argument('--measure-minutes', type=float, default=30.0, metavar='M',
                         help='time between measurements on held-out frames; 0 for never '
                         '(default: 30)')


def _default(name: str) -> str:
    """Return a setting's values in the recipes, in words; those of families that differ last."""
    values: dict[str, list[str]] = {}
    for family in ('deeplab', *sorted({c.family for c in PRESETS.values()} - {'deeplab'})):
        streets, *others = (written(getattr(recipes(family)[kind], name)) for kind in KINDS)
        others = [f'{kind} {value}' for kind, value in zip(KINDS[1:], others, strict=True)]
        values.setdefault(f'{streets}, for {", ".join(others)}', []).append(family)
    first, *others = values
    return f'default: {first}' + ''.join(
        f'; of {" and ".join(values[other])} {other}' for other in others)
