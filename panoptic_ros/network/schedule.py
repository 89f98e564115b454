"""The progress of a training, and the learning rate at each progress."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """
    A training of so many steps, or of so many minutes, which ends on time on any machine.

    The learning rate falls as (1 - progress) ** power to zero.  During ``warmup`` it rises to that
    curve, as in DeepLab.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    rate: float
    """Highest learning rate."""
    warmup: float
    """Share of the training during which the rate rises."""
    steps: int = 0
    """Number of steps; 0 for as many as fit into ``minutes``."""
    minutes: float = 0.0
    power: float = 0.9

    def __post_init__(self) -> None:
        if (self.steps > 0) == (self.minutes > 0):
            raise ValueError(f'steps is {self.steps} and minutes {self.minutes}: '
                             'give one of them, positive')
        if self.rate <= 0 or not 0 <= self.warmup < 1 or self.power <= 0:
            raise ValueError(f'{self}: expected rate > 0, 0 <= warmup < 1 and power > 0')

    def progress(self, step: int, seconds: float) -> float:
        """Return how much of the training is done, from 0 to 1."""
        done = step / self.steps if self.steps else seconds / (60 * self.minutes)
        return min(1.0, done)

    def learning_rate(self, progress: float) -> float:
        """Return the learning rate at a progress from 0 to 1."""
        rise = 0.001 + 0.999 * progress / self.warmup if progress < self.warmup else 1.0
        return float(self.rate * rise * (1 - progress) ** self.power)
