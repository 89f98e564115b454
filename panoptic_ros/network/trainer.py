"""Training: samples in, a network out; it can stop and go on at any step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..labels import LabelSpace
from .average import MovingAverage
from .checkpoint import Checkpoint, CheckpointError
from .config import NetworkConfig
from .deeplab import PanopticDeepLab
from .losses import LossOptions, panoptic_losses, sample_phase
from .samples import Samples, collate
from .schedule import Schedule


@dataclass(frozen=True)
class TrainOptions:
    """What a training is besides its network and its samples."""

    schedule: Schedule
    batch: int = 8
    """Samples per step, a multiple of the crops per frame."""
    weight_decay: float = 0.02
    clip: float = 10.0
    """Largest norm of the gradient."""
    decay: float = 0.998
    """Of the moving average of the weights."""
    workers: int = 1
    """Processes that render samples."""
    device: str = 'cpu'
    mixed_precision: bool = False
    """Half-precision arithmetic where the device is faster so: on GPUs."""
    losses: LossOptions = field(default_factory=LossOptions)


@dataclass(frozen=True)
class Step:
    """What a step reports."""

    number: int
    progress: float
    rate: float
    losses: dict[str, float]


class Trainer:
    """
    Trains one network on one stream of samples.

    The stream, the schedule and the order of the random numbers depend on the step's number
    alone, not on the number of workers, so a resumed training of so many steps continues as if
    it had never stopped.

    Raises
    ------
    ValueError
        The batch is not a multiple of the crops per frame.

    """

    def __init__(self, config: NetworkConfig, label_space: LabelSpace, samples: Samples,
                 options: TrainOptions, seed: int = 0) -> None:
        crops = samples.options.crops_per_frame
        if options.batch < 2 or options.batch % crops:
            raise ValueError(f'batch is {options.batch}: expected a multiple of the {crops} crops '
                             'of a frame, at least 2')
        torch.manual_seed(seed)
        self.config, self.label_space, self.samples = config, label_space, samples
        self.options, self.seed = options, seed
        self.device = torch.device(options.device)
        network = PanopticDeepLab(config, len(label_space))
        self.network = network.to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = MovingAverage(self.network, options.decay)
        self.optimizer = torch.optim.AdamW(self._parameter_groups(), lr=options.schedule.rate)
        half = torch.bfloat16
        if self.device.type == 'cuda' and not torch.cuda.is_bf16_supported():
            half = torch.float16
        self._half = half
        self._scaler = torch.amp.GradScaler(
            self.device.type, enabled=options.mixed_precision and half is torch.float16)
        self.step = 0
        self.seconds = 0.0

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Spare biases and norms the weight decay."""
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        spared = [p for p in self.network.parameters() if p.ndim <= 1]
        return [{'params': decayed, 'weight_decay': self.options.weight_decay},
                {'params': spared, 'weight_decay': 0.0}]

    @property
    def progress(self) -> float:
        """How much of the training is done, from 0 to 1."""
        return self.options.schedule.progress(self.step, self.seconds)

    def steps(self) -> Iterator[Step]:
        """Train to the end of the schedule, and report each step after it."""
        began = time.perf_counter() - self.seconds
        if self.progress >= 1:
            return
        for batch in self._batches():
            rate = self.options.schedule.learning_rate(self.progress)
            losses = self._update(batch, rate)
            self.step += 1
            self.average.update(self.network, self.step)
            self.seconds = time.perf_counter() - began
            yield Step(self.step, self.progress, rate, losses)
            if self.progress >= 1:
                return

    def _batches(self) -> Iterator[dict[str, Tensor]]:
        frames = self.options.batch // self.samples.options.crops_per_frame
        order = _Count(self.step * frames)
        loader = DataLoader(self.samples, frames, sampler=order, collate_fn=collate,
                            num_workers=self.options.workers, worker_init_fn=_single_thread,
                            multiprocessing_context='spawn' if self.options.workers else None,
                            prefetch_factor=3 if self.options.workers else None,
                            pin_memory=self.device.type == 'cuda',
                            generator=torch.Generator())    # or it draws from the network's
        return iter(loader)

    def _update(self, batch: dict[str, Tensor], rate: float) -> dict[str, float]:
        self.network.train()
        for group in self.optimizer.param_groups:
            group['lr'] = rate
        batch = {name: value.to(self.device, non_blocking=True) for name, value in batch.items()}
        with torch.autocast(self.device.type, self._half, self.options.mixed_precision):
            heads = self.network(batch['image'])
        semantic, center, offset = (
            sample_phase(head.float(), batch['phase'], self.samples.stride) for head in heads)
        losses = panoptic_losses((semantic, center, offset), batch, self.options.losses,
                                 self.progress)
        self.optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(losses.total).backward()
        self._scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return {name: value.item() for name, value in losses._asdict().items()}

    def checkpoint(self) -> Checkpoint:
        """Return the training as it stands."""
        recipe = {
            'data': self.samples.source.description, 'date': date.today().isoformat(),
            'samples': asdict(self.samples.options), 'targets': asdict(self.samples.targets),
            'options': asdict(self.options), 'seed': self.seed, 'step': self.step,
            'minutes': round(self.seconds / 60, 2)}
        state = {
            'network': self.network.state_dict(), 'optimizer': self.optimizer.state_dict(),
            'scaler': self._scaler.state_dict(), 'step': self.step, 'seconds': self.seconds,
            'random': torch.get_rng_state()}
        if self.device.type == 'cuda':
            state['random_cuda'] = torch.cuda.get_rng_state(self.device)
        weights = {name: value.cpu() for name, value in self.average.network.state_dict().items()}
        return Checkpoint(self.config, self.label_space, weights, recipe, state)

    def resume(self, checkpoint: Checkpoint) -> None:
        """
        Go on where a checkpoint of the same network stopped.

        Raises
        ------
        CheckpointError
            It is of another network or label space, or holds no state.

        """
        if checkpoint.config != self.config or checkpoint.label_space != self.label_space:
            raise CheckpointError(
                f'the checkpoint is of {checkpoint.config.name!r} on '
                f'{checkpoint.label_space.name!r}, this training of {self.config.name!r} on '
                f'{self.label_space.name!r}: start from its weights instead')
        state = checkpoint.state
        if not state:
            raise CheckpointError('the checkpoint holds weights only: start from its weights '
                                  'instead of resuming')
        self.network.load_state_dict(state['network'])
        self.average.network.load_state_dict(checkpoint.weights)
        self.optimizer.load_state_dict(state['optimizer'])
        self._scaler.load_state_dict(state['scaler'])
        self.step, self.seconds = int(state['step']), float(state['seconds'])
        torch.set_rng_state(state['random'])
        if 'random_cuda' in state and self.device.type == 'cuda':
            torch.cuda.set_rng_state(state['random_cuda'], self.device)

    def start_from(self, checkpoint: Checkpoint) -> None:
        """Take over the weights of a checkpoint, of the same network, and start anew."""
        self.network.load_state_dict(checkpoint.weights)
        self.average.network.load_state_dict(checkpoint.weights)


class _Count:
    """The numbers from ``start`` on."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self) -> Iterator[int]:
        number = self.start
        while True:
            yield number
            number += 1


def _single_thread(worker: int) -> None:
    import cv2
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
