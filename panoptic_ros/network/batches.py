"""The batches of a training, for one of the processes that share them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from itertools import count

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from .distributed import Processes
from .samples import Samples, collate


def batches(samples: Samples, batch: int, step: int, processes: Processes, workers: int,
            pin: bool) -> Iterator[dict[str, Tensor]]:
    """
    Return the batches from a step on, this process's part of each.

    All processes together take the same samples for a step, however many they are.

    Parameters
    ----------
    samples
        What they are made of.
    batch
        Crops per step of all processes, a multiple of the crops per frame and the processes.
    step
        Number of the first.
    processes
        This process among the others.
    workers
        Processes that make samples; 0: this one.
    pin
        Put them into memory from which a GPU copies faster.

    """
    part = batch // samples.options.crops_per_frame // processes.count
    order = _Numbers(step, part, processes)
    return iter(DataLoader(
        samples, part, sampler=order, collate_fn=collate, num_workers=workers,
        worker_init_fn=_start_worker, multiprocessing_context='spawn' if workers else None,
        prefetch_factor=3 if workers else None, pin_memory=pin,
        generator=torch.Generator()))    # or it draws from the network's


class _Numbers:
    """The numbers of this process's samples, from a step on."""

    def __init__(self, step: int, part: int, processes: Processes) -> None:
        self.step, self.part, self.processes = step, part, processes

    def __iter__(self) -> Iterator[int]:
        for step in count(self.step):
            first = (step * self.processes.count + self.processes.rank) * self.part
            yield from range(first, first + self.part)


def _start_worker(worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # Ctrl-C reaches all; the training ends it
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
