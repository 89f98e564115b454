"""
Train a network on procedural streets, on a data set, or on labelled images of your own.

Images of your own are a folder of pictures and one of label images (--images, --truth, --labels).
Street frames are rendered once into a folder.  Training takes random crops of the frames.  The
settings are those of a recipe for the data: the published ones on a GPU, smaller ones on a
processor, and the command says which.  docs/training.md tells the whole way to a vehicle.

A training ends after the given steps or minutes, at Ctrl-C, at SIGTERM, or at the end of its
terminal.  It leaves RUN/checkpoint.pt, RUN/log.jsonl and RUN/held_out.png, and goes on from there
with --resume.  On several GPUs:

  torchrun --nproc_per_node 4 -m panoptic_ros.cli.train RUN --cityscapes DIR

The GPUs share each step's batch.  So a training may go on with another number of GPUs.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..libraries import LibraryError
from ..network.frames import StreetFrames
from ..network.machine import accepted, loaders
from ..network.recipe import Recipe
from .command import command, torch_needed
from .train_arguments import IMAGENET, train_parser
from .train_data import Data, check, opened, streets
from .train_measuring import HeldOut, Training
from .train_settings import Settings, chosen, network_of, resumed

if TYPE_CHECKING:
    from ..network.checkpoint import Checkpoint
    from ..network.distributed import Processes
    from ..network.family import Configuration
    from ..network.trainer import Trainer

OWN = ('.pt', '.onnx')
"""How the names of this package's checkpoints and models end."""
UNFOLDING_CROPS = 64
"""Number of crops from which the batch statistics of an exported model are measured again."""


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Render, train and save."""
    parser = train_parser(__doc__)
    args = parser.parse_args(argv)
    check(parser, args)
    with torch_needed(parser, 'training'):
        import torch
    if args.threads:
        torch.set_num_threads(args.threads)
    from ..network.checkpoint import CheckpointError
    from ..network.distributed import joined, own_device
    from ..network.failures import cure, reason
    _on_end(signal.default_int_handler)
    try:
        args.device = own_device(args.device)
        with joined(args.device) as processes:
            _train(args, processes)
    except KeyboardInterrupt:
        parser.exit(130, f'{parser.prog}: interrupted; what is rendered is kept\n')
    except torch.OutOfMemoryError:
        parser.exit(1, f'{parser.prog}: the memory of {args.device} is too small for these steps: '
                    'give a smaller --batch or --crop; RUN/checkpoint.pt is as it was\n')
    except (CheckpointError, LibraryError, OSError, ValueError) as error:
        parser.exit(1, f'{parser.prog}: {error}\n')
    except (MemoryError, RuntimeError) as error:
        if not cure(error):     # then it is a fault of this package, and is shown whole
            raise
        parser.exit(1, f'{parser.prog}: {reason(error)}\n')


def _train(args: argparse.Namespace, processes: Processes) -> None:
    from ..network.checkpoint import Checkpoint
    from ..network.run import Intervals, checkpoint_of, run

    path = checkpoint_of(args.run)
    if path.exists() and not args.resume:
        raise ValueError(f'{path} exists: go on with --resume, or choose another RUN')
    earlier = Checkpoint.load(path) if args.resume else None
    if earlier:
        earlier.require_state()
    config = network_of(args, earlier)
    found = opened(args)
    kind, size = (found.kind, found.size) if found else ('streets', None)
    settings = (resumed(args, kind, earlier) if earlier else
                chosen(args, kind, size, args.device.startswith('cuda')))
    data = found or streets(args, settings.recipe.size)
    trainer = _trainer(args, config, settings.recipe, data, processes)
    if earlier:
        trainer.resume(earlier)
    _start(args, trainer)
    _say(processes, data, settings)
    if isinstance(data.frames, StreetFrames):
        if processes.leads:
            _render(data.frames, args.workers)
        processes.wait()
    _start_from_export(args, trainer)
    _on_end(lambda *_: trainer.stop())
    intervals = Intervals(args.save_minutes * 60, args.measure_minutes * 60)
    run(trainer, args.run, intervals, _measure(args, trainer, data))


def _say(processes: Processes, data: Data, settings: Settings) -> None:
    if processes.leads:
        for line in (f'{data.frames.description}; held out: {data.held_out.description}',
                     *data.notes, settings.words):
            print(line, flush=True)


def _measure(args: argparse.Namespace, trainer: Trainer, data: Data) -> HeldOut:
    from ..network.live_engine import LiveEngine

    engine = LiveEngine(trainer, trainer.notes['input_size'])
    return HeldOut(engine, data.held_out, args.run / 'held_out.png',
                   Training(lambda: min(trainer.seconds, 60 * args.measure_minutes),
                            lambda: trainer.stopped))


def _on_end(handler: Callable[[int, FrameType | None], Any]) -> None:
    """Handle Ctrl-C, SIGTERM and the end of the terminal; under nohup, leave the last ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _trainer(args: argparse.Namespace, config: Configuration, settings: Recipe, data: Data,
             processes: Processes) -> Trainer:
    from ..network import families
    from ..network.samples import SampleOptions, Samples
    from ..network.schedule import Schedule
    from ..network.trainer import Trainer, TrainOptions

    family, gpu = families.find(config.family), args.device.startswith('cuda')
    schedule = Schedule(settings.rate, settings.warmup, 0 if args.minutes else settings.steps,
                        args.minutes)
    samples = Samples(
        data.frames,
        SampleOptions(settings.crop, (settings.scale[0], settings.scale[1]), settings.even_scale,
                      settings.crops_per_frame, settings.focus, settings.jitter,
                      settings.randomised, settings.stretch,
                      None if data.size is None else settings.size, settings.looks),
        family.targets(settings), args.seed)
    options = TrainOptions(
        schedule, family.criterion(settings), settings.batch, settings.weight_decay, settings.clip,
        backbone_rate=settings.backbone_rate,
        frozen_stride=settings.frozen_stride, frozen_norms=settings.frozen_norms,
        device=args.device,
        workers=loaders(gpu, processes.count) if args.loaders is None else args.loaders,
        mixed_precision=gpu and not args.full_precision)
    trainer = Trainer(config, samples, options, args.seed, processes)
    trainer.notes = {'recipe': asdict(settings),
                     'input_size': accepted(settings.size, config, settings.crop)}
    return trainer


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
        _keep(trainer, Checkpoint.load(path))
    elif path.suffix in OWN:
        trainer.start_from_backbone(backbone_of(Checkpoint.load(path), config))
    else:
        _start_from_published(trainer, path)


def _keep(trainer: Trainer, checkpoint: Checkpoint) -> None:
    kept = trainer.start_from(checkpoint)
    if trainer.processes.leads:
        print(kept, flush=True)


def _start_from_export(args: argparse.Namespace, trainer: Trainer) -> None:
    from ..network.checkpoint import backbone_of
    from ..network.families.deeplab.unfolding import unfold

    path = args.weights or args.backbone
    if path is None or path.suffix != '.onnx':
        return
    items = -(-UNFOLDING_CROPS // trainer.samples.options.crops_per_frame)
    checkpoint = unfold(path, (crop for index in range(items)
                               for crop in trainer.samples[index]['image'].numpy()))
    if args.weights is not None:
        _keep(trainer, checkpoint)
    else:
        trainer.start_from_backbone(backbone_of(checkpoint, trainer.config))


def _start_from_published(trainer: Trainer, path: Path) -> None:
    from ..network.families.deeplab.config import NetworkConfig
    from ..network.families.deeplab.pretrained import backbone_weights, imagenet_file
    from ..network.importing.reading import read_source

    if not isinstance(trainer.config, NetworkConfig):
        raise ValueError(f'{path} is no checkpoint or model of this package: network '
                         f'{trainer.config.name!r} takes its backbone only from those, .pt or '
                         '.onnx')
    source = read_source(imagenet_file(trainer.config) if path == IMAGENET else path)
    trainer.start_from_backbone(backbone_weights(source, trainer.config))
    if trainer.processes.leads:
        print(f'backbone of {source.name}: {source.format}')


if __name__ == '__main__':
    main()
