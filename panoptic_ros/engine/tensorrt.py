"""The one place that imports TensorRT and collects its messages."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from ..libraries import LibraryError, is_installed

MODULES = {'tensorrt': 'TensorRT', 'tensorrt_rtx': 'TensorRT-RTX'}
"""The Python modules with TensorRT's interface, in order of preference, and their products."""

_CHOICE = 'PANOPTIC_ROS_TENSORRT'
_INSTALL = ('`pip install tensorrt` (or JetPack, which brings it), or '
            '`pip install tensorrt-rtx` for GeForce RTX and RTX PRO GPUs')
_log = logging.getLogger(__name__)
_listeners: list[Callable[[int, str], None]] = []
_MOST_COMPLAINTS = 5


class Message(NamedTuple):
    """One line of TensorRT's log."""

    level: int
    """Level as in ``logging``."""
    text: str


def load_tensorrt() -> Any:
    """
    Return the module of TensorRT 10 or 11, or else that of TensorRT-RTX.

    The environment variable ``PANOPTIC_ROS_TENSORRT`` chooses one of the two by its module's
    name.

    Raises
    ------
    ImportError
        Neither is installed, or the chosen one is not; the message says how to install it.

    """
    choice = os.environ.get(_CHOICE)
    if choice and choice not in MODULES:
        raise ImportError(f'{_CHOICE} is {choice!r}: expected {" or ".join(MODULES)}')
    failures, cures = [], []
    for name in [choice] if choice else MODULES:
        try:
            return importlib.import_module(name)
        except (ImportError, OSError) as error:     # OSError: its shared libraries are missing
            failures.append(f'{name}: {error}')
            if is_installed(name):
                cures.append(f'{name} is installed: mend what its error names')
    raise LibraryError(f'TensorRT is needed for .plan files and cannot be imported '
                       f'({"; ".join(failures)}): {"; ".join(cures) or _INSTALL}')


def describe_tensorrt(tensorrt: Any) -> str:
    """Return a module's product and version, such as 'TensorRT-RTX 1.7.1.116'."""
    return f'{MODULES.get(tensorrt.__name__, tensorrt.__name__)} {tensorrt.__version__}'


def tensor_type(tensorrt: Any, name: str) -> Any:
    """Return TensorRT's name for a type of NumPy's."""
    return getattr(tensorrt.DataType, {'float32': 'FLOAT', 'float16': 'HALF'}.get(
        name, name.upper()))


@cache
def tensorrt_logger(tensorrt: Any) -> Any:
    """
    Return the logger for builders, parsers and runtimes of a module.

    TensorRT keeps the first logger that a process gives it and ignores later ones.  So there is
    one logger, and ``collect_messages`` listens to it.
    """
    severity = tensorrt.ILogger.Severity
    levels = {severity.INTERNAL_ERROR: logging.CRITICAL, severity.ERROR: logging.ERROR,
              severity.WARNING: logging.WARNING, severity.INFO: logging.INFO}

    class Logger(tensorrt.ILogger):
        """Passes TensorRT's messages to ``logging`` and to the listeners."""

        def __init__(self) -> None:
            tensorrt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            level = levels.get(severity, logging.DEBUG)
            for listener in tuple(_listeners):
                listener(level, message)
            # Errors end up in exceptions.  All other messages of TensorRT are details.
            _log.log(logging.DEBUG if level < logging.WARNING else logging.INFO, message)

    return Logger()


@contextmanager
def collect_messages() -> Iterator[list[Message]]:
    """Collect TensorRT's messages from all threads while the block runs."""
    messages: list[Message] = []

    def listen(level: int, text: str) -> None:
        if level > logging.DEBUG:
            messages.append(Message(level, text))

    _listeners.append(listen)
    try:
        yield messages
    finally:
        _listeners.remove(listen)


def complaints(messages: list[Message]) -> str:
    """Return the last errors, or else warnings, among the messages as one text, in their order."""
    texts = [m.text for m in messages if m.level >= logging.ERROR]
    texts = texts or [m.text for m in messages if m.level >= logging.WARNING]
    return '; '.join(dict.fromkeys(texts[-_MOST_COMPLAINTS:])) or 'TensorRT gives no reason'
