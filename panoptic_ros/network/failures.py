"""What ends a training before its end, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

_CURES = {
    r'shared memory|Bus error|</torch_': 'the shared memory of the machine is full: enlarge '
    '/dev/shm, as by `docker run --shm-size 8g`, or give fewer --loaders (0 needs none)',
    r'DataLoader worker \(pid|^Connection\w*Error|^EOFError': 'a process that cuts crops was '
    'killed, most likely because the memory of the machine is full: free some, or give fewer '
    '--loaders',
    r'MemoryError|allocate memory|not enough memory': 'the memory of the machine is too small: '
    'free some, or give fewer --loaders or a smaller --batch or --crop',
    r'gloo/transport|NCCL|nccl[A-Z]|Connection (closed|reset) by peer': 'another process of this '
    'training ended: its own lines say why'}
"""What is to be done, for the errors whose text a pattern finds; the first one counts."""


def cure(error: BaseException) -> str:
    """Return the cause of an error and what is to be done, or nothing if nobody knows."""
    text = f'{type(error).__name__}: {error}'
    return next((words for pattern, words in _CURES.items() if re.search(pattern, text)), '')


def reason(error: BaseException) -> str:
    """Return an error in one line, with what is to be done if that is known."""
    name = type(error).__name__
    lines = str(error).strip().splitlines() or [name]
    # What a process that makes samples raises comes with its traceback, the error last.
    line = lines[-1] if 'Traceback' in str(error) else lines[0]
    line = line.removeprefix(f'{name}: ').rstrip()
    known = cure(error)
    return f'{known} ({line.rstrip(".")})' if known else line


@contextmanager
def told(keep: Callable[[str], str] = lambda why: '') -> Iterator[None]:
    """
    Raise what ends a training in the block as an error of one line.

    Parameters
    ----------
    keep
        Gets the line, keeps what it can of the training, and returns what is to be added.

    Raises
    ------
    ValueError
        A frame, a file, a process or the machine's memory failed.
    torch.OutOfMemoryError
        The memory of the GPU is too small.

    """
    try:
        yield
    except torch.OutOfMemoryError:      # who knows the device says it
        raise
    except (EOFError, MemoryError, OSError, RuntimeError, ValueError) as error:
        why = reason(error)
        raise ValueError(why + keep(why)) from error
