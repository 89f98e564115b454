"""Finding the family of a foreign checkpoint by its content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from .. import families
from ..checkpoint import CheckpointError
from ..family import Conversion, ImportOptions
from .reading import SourceFile, read_source


def recognise(path: Path, averaged: bool, options: ImportOptions) -> Conversion:
    """
    Read a file or a folder of another project, and tell which network it holds.

    Parameters
    ----------
    path
        The file, or the folder of a model of Hugging Face.
    averaged
        Whether to take averaged weights; see ``read_source``.
    options
        What the user says of it.

    Raises
    ------
    FileNotFoundError
        There is nothing of that name.
    CheckpointError
        It is damaged or of no network of this package.
    ImportError
        A library that the network needs is not installed.
    ValueError
        It does not go with the options.

    """
    if averaged and path.is_dir():
        raise ValueError(f'{path} is a folder, which has one kind of weights: leave out --ema')
    source: SourceFile | Path = path if path.is_dir() else read_source(path, averaged)
    looked_for = []
    for name in families.names():
        family = families.find(name)
        conversion = family.conversion(source, options)
        if conversion is not None:
            return conversion
        looked_for += family.looked_for()
    held = 'no config.json' if isinstance(source, Path) else some(source.weights)
    raise CheckpointError(f'{path} is not recognised: looked for {" and ".join(looked_for)}; it '
                          f'has {held}')


def some(weights: Mapping[str, Tensor]) -> str:
    """Return the first names of entries, for a message."""
    names = ', '.join(f'{name[:60]!r}' for name in list(weights)[:3])
    return f'{names} and {len(weights) - 3} more' if len(weights) > 3 else names
