"""The library of videos."""

from __future__ import annotations

from typing import Any

from ..libraries import needed


def pyav(purpose: str) -> Any:
    """
    Import PyAV, which brings its own FFmpeg.

    Raises
    ------
    ImportError
        PyAV is not installed; the message names the purpose.

    """
    with needed(purpose, 'av', "pip install 'av>=14.2'", 'PyAV'):
        import av
    return av
