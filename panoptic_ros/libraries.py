"""Importing optional libraries, and saying why one of them cannot be imported."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class LibraryError(ImportError):
    """A library is not installed, or it is and cannot be imported; the message says which."""


@contextmanager
def needed(purpose: str, library: str, install: str, title: str = '') -> Iterator[None]:
    """
    Say what an import in the block was for, why it failed, and what helps.

    Parameters
    ----------
    purpose
        What needs the library, such as 'running .onnx models'.
    library
        The module's name, such as 'onnxruntime'.
    install
        The command that installs it.
    title
        The library's name for people; by default that of the module.

    Raises
    ------
    LibraryError
        The block raised ImportError, or OSError, as happens when a shared library is missing.

    """
    try:
        yield
    except LibraryError:
        raise
    except (ImportError, OSError) as error:
        raise LibraryError(why_not(error, purpose, library, install, title)) from error


def why_not(error: ImportError | OSError, purpose: str, library: str, install: str,
            title: str = '') -> str:
    """Return the one line of ``needed`` for an error that an import raised."""
    if isinstance(error, LibraryError):
        return str(error)
    title = title or library
    # What is missing may be a library that this one needs; the same command installs it.
    culprit = error.name if isinstance(error, ModuleNotFoundError) else None
    if culprit and culprit != library and not is_installed(culprit.partition('.')[0]):
        return f'{purpose} needs {culprit}, which is not installed: `{install}`'
    if not is_installed(library):
        return f'{purpose} needs {title}, which is not installed: `{install}`'
    return (f'{purpose} needs {title}, which is installed and cannot be imported '
            f'({type(error).__name__}: {error}): mend that, or install it again')


def is_installed(library: str) -> bool:
    """Tell whether a module could be found, without importing it."""
    if library in sys.modules:
        return sys.modules[library] is not None
    try:
        return importlib.util.find_spec(library) is not None
    except (ImportError, ValueError):
        return False
