"""The batches of a training, as one of the processes that share them sees them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing import resource_tracker

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from .distributed import Processes
from .samples import Samples, collate

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that reach a whole group of processes; only the training answers them."""


def batches(samples: Samples, batch: int, step: int, processes: Processes, workers: int,
            pin: bool) -> Iterator[dict[str, Tensor]]:
    """
    Return this process's part of the batches, from a step on.

    All processes together take the same samples for a step, however many processes there are.

    Parameters
    ----------
    samples
        The samples of which the batches are made.
    batch
        Images per step of all processes, a multiple of those of a frame and the processes.
    step
        Number of the first step.
    processes
        This process among the others.
    workers
        Processes that make samples; 0 makes them in this one.
    pin
        Whether to put them into memory from which a GPU copies faster.

    """
    part = batch // samples.options.images_per_frame // processes.count
    order = _Numbers(step, part, processes)
    with _signals_held_back():
        return iter(DataLoader(
            samples, part, sampler=order, collate_fn=collate, num_workers=workers,
            worker_init_fn=_start_worker, multiprocessing_context='spawn' if workers else None,
            prefetch_factor=3 if workers else None, pin_memory=pin,
            generator=torch.Generator()))    # otherwise it draws from the network's


class _Numbers:
    """The numbers of this process's samples, from a step on."""

    def __init__(self, step: int, part: int, processes: Processes) -> None:
        self.step, self.part, self.processes = step, part, processes

    def __iter__(self) -> Iterator[int]:
        for step in count(self.step):
            first = (step * self.processes.count + self.processes.rank) * self.part
            yield from range(first, first + self.part)


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Block ending signals, also in workers that start, until the workers ignore them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        resource_tracker.ensure_running()       # it unblocks some of them when it starts
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(worker: int) -> None:
    for number in _ENDING:      # the training gets them, too, and ends this process
        signal.signal(number, signal.SIG_IGN)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
