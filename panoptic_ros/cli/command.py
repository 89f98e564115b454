"""How every command treats its surroundings: streams, working directory and home."""

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
    Let the ``main`` of a command cope with unusual surroundings.

    Printing never fails for an encoding. Closed standard streams are replaced, because otherwise
    the next file that is opened would get their output. A working directory that was deleted, a
    home that nobody knows, and an output that takes no more end the command with one line.
    """
    name = Path(main.__code__.co_filename).stem     # the module's name may be __main__

    @wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        _take_closed_places(name)
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors='replace')
        if 'HOME' not in os.environ:        # as in a service of the system
            with suppress(NoHomeError):
                os.environ['HOME'] = str(expand_home('~'))      # ROS reads only this variable
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
            if 'logging directory' not in str(error):       # this is the error of rcl
                raise
            sys.exit(f'{name}: ROS has no folder for its log: set HOME, ROS_HOME or ROS_LOG_DIR')
        except OSError as error:        # an output without a buffer fails at once
            sys.exit(f'{name}: {error}')
        finally:
            _flush(name)

    return run


def say(command: str, words: str) -> None:
    """Print a line of a command that is no result to the standard error."""
    print(f'{command}: {words}', file=sys.stderr)


@contextmanager
def torch_needed(parser: argparse.ArgumentParser, purpose: str) -> Iterator[None]:
    """End a command with one line if the imports in the block fail without PyTorch."""
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
    """Flush the output, and end with one line if it takes no more; Python would print an error."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(f'{name}: standard output takes no more: {error.strerror}')
