"""
Train a network on procedural streets, or with --cityscapes on Cityscapes.

Street frames are rendered once into a folder.  Training takes random crops of the frames; for
Cityscapes it has the published settings.  A training ends after the given steps or minutes, at
Ctrl-C, at SIGTERM, or at the end of its terminal.  It leaves RUN/checkpoint.pt and RUN/log.jsonl,
and goes on from there with --resume.  On several GPUs:

  torchrun --nproc_per_node 4 -m panoptic_ros.cli.train RUN --cityscapes DIR

The GPUs share each step's batch.  So a training may go on with another number of GPUs.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..arguments import image_size
from ..datasets.dataset import FrameSource
from ..libraries import LibraryError
from ..network.frames import StreetFrames
from ..network.presets import presets, recipe, recipes
from ..network.recipe import KINDS, Recipe
from .command import command, torch_needed

if TYPE_CHECKING:
    from ..network.distributed import Processes
    from ..network.trainer import Trainer

PRESETS = presets()
OWN = ('.pt', '.onnx')
"""How the names of this package's checkpoints and models end."""
UNFOLDING_FRAMES = 64
"""Number of frames from which the batch statistics of an exported model are measured again."""


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Render, train and save."""
    parser = _parser()
    args = parser.parse_args(argv)
    with torch_needed(parser, 'training'):
        import torch
    if args.threads:
        torch.set_num_threads(args.threads)
    from ..network.checkpoint import CheckpointError
    from ..network.distributed import joined, own_device
    _on_end(signal.default_int_handler)
    try:
        args.device = own_device(args.device)
        with joined(args.device) as processes:
            _train(args, processes)
    except KeyboardInterrupt:
        parser.exit(130, f'{parser.prog}: interrupted; what is rendered is kept\n')
    except (CheckpointError, LibraryError, OSError, ValueError) as error:
        parser.exit(1, f'{parser.prog}: {error}\n')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='train', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', type=Path, metavar='RUN', help='folder of this training')
    parser.add_argument('--network', choices=sorted(PRESETS), default='mobile', metavar='NAME',
                        help=f'one of {", ".join(sorted(PRESETS))} (default: %(default)s)')
    start = parser.add_mutually_exclusive_group()
    start.add_argument('--resume', action='store_true', help='go on from RUN/checkpoint.pt')
    start.add_argument('--weights', type=Path, metavar='FILE',
                       help='start from the weights of another training: its checkpoint, or, of '
                       'a Panoptic-DeepLab, the .onnx file that was exported from it')
    start.add_argument('--backbone', type=Path, metavar='FILE',
                       help='start from a backbone that was trained elsewhere, as the published '
                       'trainings do: a checkpoint or .onnx file of another network with the same '
                       'backbone, detectron2 R-52.pkl, or a .pth of torchvision')

    length = parser.add_argument_group('length and learning rate')
    either = length.add_mutually_exclusive_group()
    either.add_argument('--steps', type=int,
                        help=f'steps to train, reproducible ({_default("steps")})')
    either.add_argument('--minutes', type=float, default=0.0,
                        help='minutes to train: as many steps as fit, whatever the machine')
    length.add_argument('--batch', type=int,
                        help=f'crops per step, on all GPUs together ({_default("batch")})')
    length.add_argument('--rate', type=float, help=f'highest learning rate ({_default("rate")})')
    length.add_argument('--backbone-rate', type=float, metavar='FACTOR',
                        help="the backbone's learning rate, as a multiple; 0 freezes the backbone "
                        f'({_default("backbone_rate")})')
    length.add_argument('--warmup', type=float, metavar='SHARE',
                        help='share of the training in which the rate rises '
                        f'({_default("warmup")})')
    length.add_argument('--seed', type=int, default=0,
                        help='seed of the weights, the crops and the order (default: 0)')

    data = parser.add_argument_group('data')
    data.add_argument('--cityscapes', type=Path, metavar='DIR',
                      help='train on Cityscapes, whose leftImg8bit and gtFine are in DIR')
    data.add_argument('--frames', type=int, default=2400, metavar='N',
                      help='street frames to render (default: 2400, 2.6 MB each)')
    data.add_argument('--first-drive', type=int, default=0, metavar='SEED',
                      help='seed of the first drive that they are of (default: 0)')
    data.add_argument('--data', type=Path, default=Path('runs/frames'), metavar='DIR',
                      help='folder that keeps the street frames (default: %(default)s)')
    data.add_argument('--size', type=image_size, metavar='HxW',
                      help='size of a frame, with which the pixel scales of the targets go '
                      f'({_default("size")})')
    data.add_argument('--crop', type=image_size, metavar='HxW',
                      help='size of a crop, 1 more by default for networks that align corners '
                      f'({_default("crop")})')
    data.add_argument('--scale', type=float, nargs=2, metavar=('MIN', 'MAX'),
                      help=f'magnification of a crop ({_default("scale")})')
    data.add_argument('--crops-per-frame', type=int, metavar='K',
                      help=f'crops of a frame in a batch ({_default("crops_per_frame")})')

    machine = parser.add_argument_group('machine')
    machine.add_argument('--device', default='auto',
                         help='cpu, cuda or cuda:N (default: the GPU where there is one)')
    machine.add_argument('--full-precision', action='store_true',
                         help='no half precision on the GPU')
    machine.add_argument('--workers', type=int, default=min(os.cpu_count() or 1, 8),
                         help='processes that render (default: %(default)s)')
    machine.add_argument('--loaders', type=int, default=1,
                         help='processes that cut crops, for each GPU (default: 1)')
    machine.add_argument('--threads', type=int, default=0,
                         help='threads of the arithmetic (default: all cores)')
    machine.add_argument('--save-minutes', type=float, default=3.0, metavar='M',
                         help='time between checkpoints (default: 3)')
    return parser


def _default(name: str) -> str:
    """Return a setting's values in the recipes, in words; those of families that differ last."""
    def written(value: object) -> str:
        if not isinstance(value, tuple):
            return f'{value:.3g}' if isinstance(value, float) else str(value)
        return ('x' if isinstance(value[0], int) else ' ').join(map(str, value))
    values: dict[str, list[str]] = {}
    for family in ('deeplab', *sorted({c.family for c in PRESETS.values()} - {'deeplab'})):
        streets, cityscapes = (written(getattr(recipes(family)[kind], name)) for kind in KINDS)
        values.setdefault(f'{streets}, for Cityscapes {cityscapes}', []).append(family)
    first, *others = values
    return f'default: {first}' + ''.join(
        f'; of {" and ".join(values[other])} {other}' for other in others)


def _train(args: argparse.Namespace, processes: Processes) -> None:
    from ..network.checkpoint import Checkpoint
    from ..network.run import checkpoint_of, run

    path = checkpoint_of(args.run)
    if path.exists() and not args.resume:
        raise ValueError(f'{path} exists: go on with --resume, or choose another RUN')
    settings = _recipe(args)
    frames = _frames(args, settings)
    trainer = _trainer(args, settings, frames, processes)
    if args.resume:
        trainer.resume(Checkpoint.load(path))
    _start(args, trainer)
    if isinstance(frames, StreetFrames):
        if processes.leads:
            _render(frames, args.workers)
        processes.wait()
    _start_from_export(args, trainer, frames)
    _on_end(lambda *_: trainer.stop())
    run(trainer, args.run, args.save_minutes * 60)


def _on_end(handler: Callable[[int, FrameType | None], Any]) -> None:
    """Handle Ctrl-C, SIGTERM and the end of the terminal; under nohup, leave the last ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _recipe(args: argparse.Namespace) -> Recipe:
    """Return the recipe for the data, changed by the values on the command line."""
    found = recipe(PRESETS[args.network], 'cityscapes' if args.cityscapes else 'streets')
    given = {field.name: getattr(args, field.name) for field in fields(Recipe)
             if getattr(args, field.name, None) is not None}
    return replace(found, **given)


def _frames(args: argparse.Namespace, settings: Recipe) -> FrameSource:
    if not args.cityscapes:
        return StreetFrames(args.data, args.frames, settings.size, args.first_drive)
    from ..datasets import Cityscapes
    return Cityscapes(args.cityscapes, 'train')


def _trainer(args: argparse.Namespace, settings: Recipe, frames: FrameSource,
             processes: Processes) -> Trainer:
    from ..network import families
    from ..network.samples import SampleOptions, Samples
    from ..network.schedule import Schedule
    from ..network.trainer import Trainer, TrainOptions

    config = PRESETS[args.network]
    family = families.find(config.family)
    schedule = Schedule(settings.rate, settings.warmup, 0 if args.minutes else settings.steps,
                        args.minutes)
    samples = Samples(
        frames,
        SampleOptions(settings.crop, (settings.scale[0], settings.scale[1]), settings.even_scale,
                      settings.crops_per_frame, settings.focus, settings.jitter),
        family.targets(settings), args.seed)
    options = TrainOptions(
        schedule, family.criterion(settings), settings.batch, settings.weight_decay, settings.clip,
        backbone_rate=settings.backbone_rate, workers=args.loaders, device=args.device,
        mixed_precision=args.device.startswith('cuda') and not args.full_precision)
    return Trainer(config, samples, options, args.seed, processes)


def _render(frames: StreetFrames, workers: int) -> None:
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task('rendering frames', total=len(frames))
        try:
            for ready in frames.render(workers):
                progress.update(task, completed=ready)
        except BrokenProcessPool as error:
            raise OSError('a process that renders was killed: what is rendered is kept; free '
                          'memory, or render with fewer --workers') from error


def _start(args: argparse.Namespace, trainer: Trainer) -> None:
    """Start from a checkpoint; an export waits for frames, and is only seen to suit."""
    from ..network.checkpoint import Checkpoint, CheckpointError, backbone_of
    from ..network.families.deeplab.unfolding import unfolded

    path, config = args.weights or args.backbone, trainer.config
    if path is None:
        return
    if path.suffix == '.onnx':
        found = unfolded(path)
        if args.backbone is not None:
            backbone_of(Checkpoint(found, trainer.label_space, {}, {}, {}), config)
        elif found != config:
            raise CheckpointError(f'{path} is an export of network {found.name!r}, this training '
                                  f'is of {config.name!r}: choose --network {found.name}')
    elif args.weights is not None:
        trainer.start_from(Checkpoint.load(path))
    elif path.suffix in OWN:
        trainer.start_from_backbone(backbone_of(Checkpoint.load(path), config))
    else:
        _start_from_published(trainer, path)


def _start_from_export(args: argparse.Namespace, trainer: Trainer, frames: FrameSource) -> None:
    from ..network.checkpoint import backbone_of
    from ..network.families.deeplab.unfolding import unfold

    path = args.weights or args.backbone
    if path is None or path.suffix != '.onnx':
        return
    chosen = range(0, len(frames), max(1, len(frames) // UNFOLDING_FRAMES))
    checkpoint = unfold(path, (frames[index][0] for index in chosen))
    if args.weights is not None:
        trainer.start_from(checkpoint)
    else:
        trainer.start_from_backbone(backbone_of(checkpoint, trainer.config))


def _start_from_published(trainer: Trainer, path: Path) -> None:
    from ..network.families.deeplab.config import NetworkConfig
    from ..network.families.deeplab.pretrained import backbone_weights
    from ..network.importing.reading import read_source

    if not isinstance(trainer.config, NetworkConfig):
        raise ValueError(f'{path} is no checkpoint or model of this package: network '
                         f'{trainer.config.name!r} takes its backbone only from those, .pt or '
                         '.onnx')
    source = read_source(path)
    trainer.start_from_backbone(backbone_weights(source, trainer.config))
    if trainer.processes.leads:
        print(f'backbone of {source.name}: {source.format}')


if __name__ == '__main__':
    main()
