"""Training a network on samples; a training can stop and go on at any step."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from . import families
from .average import MovingAverage
from .batches import batches
from .carrying import Kept, carried_over
from .checkpoint import Checkpoint, CheckpointError
from .distributed import ALONE, Processes
from .family import Configuration, Criterion
from .freezing import frozen_parts
from .parameter_groups import load_state, parameter_groups
from .samples import Samples
from .schedule import Schedule


@dataclass(frozen=True)
class TrainOptions:
    """The settings of a training besides its network and its samples."""

    schedule: Schedule
    losses: Criterion
    batch: int
    """Images per step of all processes, a multiple of those of a frame and the processes."""
    weight_decay: float
    clip: float
    """Largest norm of the gradient; 0 allows any."""
    backbone_rate: float = 1.0
    """The backbone's learning rate, as a multiple of that of the rest.

    With 0 the backbone stays as it is, batch statistics included.
    """
    frozen_stride: int = 0
    """The backbone's layers up to this stride stay as they are; 0 for none."""
    frozen_norms: bool = False
    """Whether the backbone's batch norms stay as they are."""
    decay: float = 0.998
    """Decay of the moving average of the weights."""
    workers: int = 1
    """Processes that make samples."""
    device: str = 'cpu'
    mixed_precision: bool = False
    """Whether to use half precision on devices that are faster with it, which are GPUs."""


@dataclass(frozen=True)
class Step:
    """The report of a step."""

    number: int
    progress: float
    rate: float
    losses: dict[str, float]


class Trainer:
    """
    Trains one network on one stream of samples.

    The stream, the schedule and the random numbers depend only on the step's number, not on the
    number of workers.  So a resumed training of so many steps continues as if it had never
    stopped.  Processes that train together share each step's samples and losses.  They do what
    one process does, except for rounding and for dropout, which each draws for itself.

    Raises
    ------
    ValueError
        The batch is not a multiple of the images of a frame and the processes, or the network does
        not take crops of that size, or labels of that kind.

    """

    def __init__(self, config: Configuration, samples: Samples, options: TrainOptions,
                 seed: int = 0, processes: Processes = ALONE) -> None:
        images = samples.options.images_per_frame
        if options.batch < 2 or options.batch % (images * processes.count):
            raise ValueError(f'batch is {options.batch}: expected a multiple of the {images} '
                             f'images of a frame times the number of processes, '
                             f'{processes.count}, at least 2')
        family, self.label_space = families.find(config.family), samples.label_space
        config = family.suited(config, self.label_space)
        config.check_size(samples.options.crop)
        torch.manual_seed(seed)
        self.config, self.samples = config, samples
        self.options, self.seed, self.processes = options, seed, processes
        self.device = torch.device(options.device)
        network = family.network(config, len(self.label_space))
        self.network = network.to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = MovingAverage(self.network, options.decay)
        processes.share_norms(self.network, self.device)    # which puts other modules in place
        self._frozen = [self._backbone] if not options.backbone_rate else frozen_parts(
            self._backbone, options.frozen_stride, options.frozen_norms)
        for part in self._frozen:
            part.requires_grad_(False)
        self._parallel = processes.parallel(self.network, self.device)
        self.optimizer = torch.optim.AdamW(
            parameter_groups(self.network, options.weight_decay), lr=options.schedule.rate)
        self._factors = (1.0, 1.0, options.backbone_rate, options.backbone_rate)
        half = torch.bfloat16
        if self.device.type == 'cuda' and not torch.cuda.is_bf16_supported():
            half = torch.float16
        self._half = half
        self._scaler = torch.amp.GradScaler(
            self.device.type, enabled=options.mixed_precision and half is torch.float16)
        self.step = 0
        self.seconds = 0.0
        self.notes: dict[str, Any] = {}
        """Plain data about the training for its checkpoints to keep."""
        self.stopped = False
        """Whether it was told to stop."""

    @property
    def _backbone(self) -> nn.Module:
        return self.network.get_submodule('backbone')

    @property
    def progress(self) -> float:
        """The share of the training that is done, from 0 to 1."""
        return self.options.schedule.progress(self.step, self.seconds)

    def steps(self) -> Iterator[Step]:
        """Train to the end of the schedule or until stopped, and report each step after it."""
        began = time.perf_counter() - self.seconds
        if self.progress >= 1:
            return
        for batch in batches(self.samples, self.options.batch, self.step, self.processes,
                             self.options.workers, self.device.type == 'cuda'):
            rate = self.options.schedule.learning_rate(self.progress)
            losses = self._update(batch, rate)
            self.step += 1
            self.average.update(self.network, self.step)
            self.seconds, stopping = self.processes.largest(
                time.perf_counter() - began, float(self.stopped), device=self.device)
            yield Step(self.step, self.progress, rate, losses)
            if stopping or self.progress >= 1:
                return

    def stop(self) -> None:
        """Let ``steps`` end after the present step, in all processes; a signal may call it."""
        self.stopped = True

    def _update(self, batch: dict[str, Tensor], rate: float) -> dict[str, float]:
        random = np.random.SeedSequence((self.seed, self.step, self.processes.rank))
        torch.manual_seed(int(random.generate_state(1)[0]))
        self.network.train()
        for part in self._frozen:
            part.eval()
        for group, factor in zip(self.optimizer.param_groups, self._factors, strict=True):
            group['lr'] = rate * factor
        batch = {name: value.to(self.device, non_blocking=True) for name, value in batch.items()}
        with torch.autocast(self.device.type, self._half, self.options.mixed_precision):
            outputs = self._parallel(batch['image'])
        losses = self.options.losses.losses(self.config, outputs, batch, self.progress,
                                            self.processes.gather)
        self.optimizer.zero_grad(set_to_none=True)
        # The gradients of the processes are to be added, but they are averaged.
        self._scaler.scale(losses['total'] * self.processes.count).backward()
        self._scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip or math.inf)
        values = torch.stack([*losses.values(), norm]).tolist()     # waits for a GPU once
        found = dict(zip(losses, values[:-1], strict=True))
        if not all(map(math.isfinite, values)):
            self._refuse(found, values[-1])
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return found

    def _refuse(self, losses: Mapping[str, float], norm: float) -> None:
        """Refuse a step that would destroy the weights, unless the scaler is going to skip it."""
        self.average.restore_statistics(self.network)
        # The scaler halves its scale each time; gradients that overflow at 1 do so by themselves.
        if self._scaler.get_scale() > 1:
            return
        parts = ' '.join(f'{name} {value:.3g}' for name, value in losses.items())
        raise ValueError(f'step {self.step + 1}: the losses are {parts}, and the norm of the '
                         f'gradient is {norm:.3g}: expected finite numbers; give a lower --rate '
                         'or, on a GPU, --full-precision, and look for damaged frames')

    def checkpoint(self) -> Checkpoint:
        """Return the training as a checkpoint."""
        targets: Any = self.samples.targets
        recipe = {
            'data': self.samples.source.description, 'date': date.today().isoformat(),
            'samples': asdict(self.samples.options),
            'targets': asdict(targets),
            'options': asdict(self.options), 'seed': self.seed, 'step': self.step,
            'processes': self.processes.count, 'minutes': round(self.seconds / 60, 2),
            **self.notes}
        state = {
            'network': self.network.state_dict(), 'optimizer': self.optimizer.state_dict(),
            'scaler': self._scaler.state_dict(), 'step': self.step, 'seconds': self.seconds}
        weights = {name: value.cpu() for name, value in self.average.network.state_dict().items()}
        return Checkpoint(self.config, self.label_space, weights, recipe, state)

    def resume(self, checkpoint: Checkpoint) -> None:
        """
        Go on where a checkpoint of the same network stopped, on data of the same kind.

        Raises
        ------
        CheckpointError
            The checkpoint is of another network, label space or kind of data, or it holds no
            state.

        """
        checkpoint.require_state()
        if checkpoint.config != self.config or checkpoint.label_space != self.label_space:
            raise CheckpointError(
                f'the checkpoint is of {checkpoint.config.name!r} on '
                f'{checkpoint.label_space.name!r}, this training of {self.config.name!r} on '
                f'{self.label_space.name!r}: resume with the same, or start another training '
                'from its weights')
        was, now = checkpoint.training['data'], self.samples.source.description
        if was.partition(':')[0] != now.partition(':')[0]:      # their number may differ
            raise CheckpointError(f'the checkpoint was trained on {was!r}, this training is on '
                                  f'{now!r}: resume on the same, or start another training from '
                                  'its weights')
        state = checkpoint.state
        self.network.load_state_dict(state['network'])
        self.average.network.load_state_dict(checkpoint.weights)
        load_state(self.optimizer, self.network, state['optimizer'])
        if state['scaler']:
            self._scaler.load_state_dict(state['scaler'])
        self.step, self.seconds = int(state['step']), float(state['seconds'])

    def start_from_backbone(self, weights: Mapping[str, Tensor]) -> None:
        """Start anew from the weights of a backbone; see ``backbone_weights``."""
        for network in (self.network, self.average.network):
            network.load_state_dict(weights, strict=False)

    def start_from(self, checkpoint: Checkpoint) -> Kept:
        """
        Start anew from the weights of a checkpoint of the same network, and return what was kept.

        The classes may be others; see ``carried_over``.

        Raises
        ------
        CheckpointError
            The checkpoint is of another network.

        """
        rows = families.find(self.config.family).class_rows
        weights, kept = carried_over(checkpoint, self.network.state_dict(), self.label_space, rows,
                                     self.config.name)
        for network in (self.network, self.average.network):
            network.load_state_dict(weights)
        return kept
