"""What every command owes to its surroundings: streams, a working directory, a home."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import ParamSpec

from ..libraries import why_not
from ..resources import NoHomeError, expand_home

P = ParamSpec('P')

STREAMS = ('input', 'output', 'error')


def command(main: Callable[P, None]) -> Callable[P, None]:
    """
    Let the ``main`` of a command meet surroundings that are not as they should be.

    What it prints never fails for an encoding; the places of closed standard streams are taken,
    or the next file that is opened would be written to instead. A working directory that was
    deleted, a home that nobody knows and an output that takes no more end it with one line.
    """
    name = Path(main.__code__.co_filename).stem     # of a file that is run, its module is __main__

    @wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        _take_closed_places(name)
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors='replace')
        if 'HOME' not in os.environ:        # as in a service of the system
            with suppress(NoHomeError):
                os.environ['HOME'] = str(expand_home('~'))      # for ROS, which looks there only
        try:
            Path.cwd()
        except FileNotFoundError:
            sys.exit(f'{name}: the working directory was deleted: change to one that is there, '
                     'as in `cd /`')
        try:
            main(*args, **kwargs)
        except KeyboardInterrupt:
            say(name, 'interrupted')
            sys.exit(130)
        except NoHomeError as error:
            sys.exit(f'{name}: {error}')
        except RuntimeError as error:
            if 'logging directory' not in str(error):       # rcl's
                raise
            sys.exit(f'{name}: ROS has no folder for its log: set HOME, ROS_HOME or ROS_LOG_DIR')
        except OSError as error:        # without a buffer the output says it at once
            sys.exit(f'{name}: {error}')
        finally:
            _flush(name)

    return run


def say(command: str, words: str) -> None:
    """Print a line of a command that is none of its results."""
    print(f'{command}: {words}', file=sys.stderr)


@contextmanager
def torch_needed(parser: argparse.ArgumentParser, purpose: str) -> Iterator[None]:
    """End a command with one line where its imports in the block need PyTorch in vain."""
    try:
        yield
    except (ImportError, OSError) as error:
        why = why_not(error, purpose, 'torch', "pip install 'panoptic_ros[train]'", 'PyTorch')
        parser.exit(1, f'{parser.prog}: {why}\n')


def _take_closed_places(name: str) -> None:
    closed = []
    for number, stream in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)      # takes the lowest number that is free
            closed.append(stream)
    sys.stdin = sys.stdin or open(0, encoding='utf-8', closefd=False)       # noqa: SIM115
    sys.stdout = sys.stdout or open(1, 'w', encoding='utf-8', closefd=False)    # noqa: SIM115
    sys.stderr = sys.stderr or open(2, 'w', encoding='utf-8', closefd=False)    # noqa: SIM115
    if 'output' in closed:
        say(name, 'standard output is closed and nothing that is printed is kept: give it a '
            'place, as in `> FILE`')


def _flush(name: str) -> None:
    """Find out whether the output was taken: at its end the interpreter would only complain."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(f'{name}: standard output takes no more: {error.strerror}')
