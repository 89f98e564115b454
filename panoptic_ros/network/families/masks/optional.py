"""The library that has the networks of this family: Hugging Face's ``transformers``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ....libraries import needed

INSTALL = "pip install 'panoptic_ros[masks]'"


_OFFLINE = dict.fromkeys(('HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE', 'HF_HUB_DISABLE_TELEMETRY',
                          'DO_NOT_TRACK'), '1')


def load_transformers() -> Any:
    """
    Return the module ``transformers``, which nothing here lets reach the network.

    Raises
    ------
    LibraryError
        It is not installed, or it cannot be imported; the message names the install line.

    """
    with needed('Mask2Former or EoMT', 'transformers', INSTALL), _offline():
        import transformers
    with needed('Mask2Former or EoMT', 'scipy', INSTALL, 'SciPy'):
        import scipy  # noqa: F401
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers


@contextmanager
def _offline() -> Iterator[None]:
    """Set what Hugging Face's libraries read when they are imported, and heed ever after."""
    before = {name: os.environ.get(name) for name in _OFFLINE}
    os.environ.update(_OFFLINE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
