"""The library that has the networks of this family: Hugging Face's ``transformers``."""

from __future__ import annotations

import os
from typing import Any

from ....libraries import needed

INSTALL = "pip install 'panoptic_ros[masks]'"


def load_transformers() -> Any:
    """
    Return the module ``transformers``, which nothing here lets reach the network.

    Raises
    ------
    LibraryError
        It is not installed, or it cannot be imported; the message names the install line.

    """
    for name in ('HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE', 'HF_HUB_DISABLE_TELEMETRY',
                 'DO_NOT_TRACK'):
        os.environ[name] = '1'      # read when the library is imported
    with needed('Mask2Former or EoMT', 'transformers', INSTALL):
        import transformers
    with needed('Mask2Former or EoMT', 'scipy', INSTALL, 'SciPy'):
        import scipy  # noqa: F401
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers
