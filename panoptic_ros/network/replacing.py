"""Files that take the place of others when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path, partial: Path | None = None) -> Iterator[BinaryIO]:
    """
    Give a file to write, which takes the place of ``path`` when the block ends without an error.

    A crash meanwhile leaves the old file whole.  After an error the new one is removed.

    Parameters
    ----------
    path
        Where the whole file is to be; its folder is there.
    partial
        The file until then, in the same folder, by default ``path`` with ``.partial`` behind it.
        Writers of one path that do not know of each other need different ones.

    """
    partial = partial or path.with_name(path.name + '.partial')
    try:
        with partial.open('wb') as file:
            yield file
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
