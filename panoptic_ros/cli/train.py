"""
Train a Panoptic-DeepLab on procedural streets.

The frames are rendered once into a folder, then random crops of them are trained on.  A training
ends after so many steps or so many minutes, or at Ctrl-C, leaves RUN/checkpoint.pt and
RUN/log.jsonl, and goes on from there with --resume.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..arguments import image_size
from ..labels import LabelSpace
from ..network.config import PRESETS, NetworkConfig

if TYPE_CHECKING:
    from ..network.checkpoint import Checkpoint
    from ..network.frames import StreetFrames
    from ..network.trainer import Step, Trainer

UNFOLDING_FRAMES = 64
"""From so many frames the batch statistics of an exported model are measured again."""

LOG_EVERY = 20
"""Steps between lines of the log."""


def main(argv: Sequence[str] | None = None) -> None:
    """Render, train and save."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        import torch
    except ImportError:
        parser.exit(1, f'{parser.prog} needs PyTorch: install it with '
                       "`pip install 'panoptic_ros[train]'`\n")
    if args.threads:
        torch.set_num_threads(args.threads)
    from ..network.checkpoint import CheckpointError
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _train(args)
    except KeyboardInterrupt:
        parser.exit(130, f'{parser.prog}: interrupted; what is rendered is kept\n')
    except (CheckpointError, OSError, ValueError) as error:
        parser.exit(1, f'{parser.prog}: {error}\n')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='train', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', type=Path, metavar='RUN', help='folder of this training')
    parser.add_argument('--network', choices=sorted(PRESETS), default='mobile',
                        help='shape of the network (default: %(default)s)')
    start = parser.add_mutually_exclusive_group()
    start.add_argument('--resume', action='store_true', help='go on from RUN/checkpoint.pt')
    start.add_argument('--weights', type=Path, metavar='FILE',
                       help='start from the weights of another training: its checkpoint, or the '
                       '.onnx file that was exported from it')

    length = parser.add_argument_group('length and learning rate')
    either = length.add_mutually_exclusive_group()
    either.add_argument('--steps', type=int, default=0,
                        help='steps to train, reproducible (default: 20000)')
    either.add_argument('--minutes', type=float, default=0.0,
                        help='minutes to train: as many steps as fit, whatever the machine')
    length.add_argument('--batch', type=int, default=8, help='crops per step (default: 8)')
    length.add_argument('--rate', type=float, default=2e-3,
                        help='highest learning rate (default: %(default)s)')
    length.add_argument('--warmup', type=float, default=0.03,
                        help='share of the training in which it rises (default: %(default)s)')
    length.add_argument('--seed', type=int, default=0,
                        help='of the weights, the crops and the order (default: 0)')

    data = parser.add_argument_group('data')
    data.add_argument('--frames', type=int, default=2400, metavar='N',
                      help='street frames to render (default: 2400, 2.6 MB each)')
    data.add_argument('--data', type=Path, default=Path('runs/frames'), metavar='DIR',
                      help='folder that keeps them (default: %(default)s)')
    data.add_argument('--size', type=image_size, default=(512, 1024), metavar='HxW',
                      help='size of a frame (default: 512x1024)')
    data.add_argument('--crop', type=image_size, default=(256, 512), metavar='HxW',
                      help='size of a crop (default: 256x512)')
    data.add_argument('--scale', type=float, nargs=2, default=(0.5, 1.2), metavar=('MIN', 'MAX'),
                      help='magnification of a crop (default: 0.5 1.2)')
    data.add_argument('--crops-per-frame', type=int, default=2, metavar='K',
                      help='crops of a frame in a batch (default: 2)')

    machine = parser.add_argument_group('machine')
    machine.add_argument('--device', default='auto',
                         help='cpu, cuda or cuda:N (default: the GPU where there is one)')
    machine.add_argument('--full-precision', action='store_true',
                         help='no half precision on the GPU')
    machine.add_argument('--workers', type=int, default=min(os.cpu_count() or 1, 8),
                         help='processes that render (default: %(default)s)')
    machine.add_argument('--loaders', type=int, default=1,
                         help='processes that cut crops (default: 1)')
    machine.add_argument('--threads', type=int, default=0,
                         help='threads of the arithmetic (default: all cores)')
    machine.add_argument('--save-minutes', type=float, default=3.0, metavar='M',
                         help='time between checkpoints (default: 3)')
    return parser


def _train(args: argparse.Namespace) -> None:
    from ..network.checkpoint import Checkpoint
    from ..network.frames import StreetFrames

    path = args.run / 'checkpoint.pt'
    if path.exists() and not args.resume:
        raise ValueError(f'{path} exists: go on with --resume, or choose another RUN')
    frames = StreetFrames(args.data, args.frames, args.size)
    trainer = _trainer(args, frames)
    if args.resume:
        trainer.resume(Checkpoint.load(path))
    _render(frames, args.workers)
    if args.weights is not None:
        trainer.start_from(_weights(args.weights, frames))
    _run(trainer, args.run, path, args.save_minutes * 60)


def _weights(path: Path, frames: StreetFrames) -> Checkpoint:
    from ..network.checkpoint import Checkpoint
    from ..network.unfolding import unfold

    if path.suffix != '.onnx':
        return Checkpoint.load(path)
    chosen = range(0, len(frames), max(1, len(frames) // UNFOLDING_FRAMES))
    return unfold(path, (frames[index][0] for index in chosen))


def _trainer(args: argparse.Namespace, frames: StreetFrames) -> Trainer:
    import torch

    from ..network.samples import SampleOptions, Samples
    from ..network.schedule import Schedule
    from ..network.targets import TargetOptions
    from ..network.trainer import Trainer, TrainOptions

    device = args.device
    if device == 'auto':
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    schedule = Schedule(args.rate, args.steps if args.steps or args.minutes else 20000,
                        args.minutes, args.warmup)
    label_space = LabelSpace.load('cityscapes')
    samples = Samples(
        frames, label_space,
        SampleOptions(args.crop, (args.scale[0], args.scale[1]), args.crops_per_frame),
        TargetOptions.for_size(args.size), args.seed)
    options = TrainOptions(
        schedule, args.batch, workers=args.loaders, device=device,
        mixed_precision=device.startswith('cuda') and not args.full_precision)
    return Trainer(NetworkConfig.preset(args.network), label_space, samples, options, args.seed)


def _render(frames: StreetFrames, workers: int) -> None:
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task('rendering frames', total=len(frames))
        for ready in frames.render(workers):
            progress.update(task, completed=ready)


def _run(trainer: Trainer, run: Path, path: Path, save_seconds: float) -> None:
    console = Console()
    parameters = sum(p.numel() for p in trainer.network.parameters())
    console.print(f'network {trainer.config.name}: {parameters / 1e6:.2f} million parameters, '
                  f'on {trainer.device}')
    run.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    saved = time.monotonic()
    mean: dict[str, float] = {}
    columns = (TextColumn('training'), BarColumn(), TextColumn('{task.percentage:.1f} %'),
               TimeElapsedColumn(), TimeRemainingColumn(), TextColumn('{task.fields[losses]}'))
    with Progress(*columns, console=console) as progress, \
            (run / 'log.jsonl').open('a', encoding='utf-8') as log:
        task = progress.add_task('training', total=1.0, losses='')
        for step in trainer.steps():
            for name, value in step.losses.items():
                mean[name] = 0.95 * mean.get(name, value) + 0.05 * value
            progress.update(task, completed=step.progress, losses=_describe(step, mean))
            if step.number % LOG_EVERY == 0:
                log.write(json.dumps({'step': step.number, 'seconds': round(trainer.seconds, 1),
                                      'rate': step.rate, **step.losses}) + '\n')
                log.flush()
            if time.monotonic() - saved > save_seconds:
                trainer.checkpoint().save(path)
                saved = time.monotonic()
            if stop.is_set():
                break
    trainer.checkpoint().save(path)
    console.print(f'{trainer.step} steps in {trainer.seconds / 60:.1f} minutes; saved {path}')


def _describe(step: Step, mean: dict[str, float]) -> str:
    parts = ' '.join(f'{name} {mean[name]:.3f}' for name in ('semantic', 'center', 'offset'))
    return f'step {step.number} loss {mean["total"]:.3f} ({parts})'


if __name__ == '__main__':
    main()
