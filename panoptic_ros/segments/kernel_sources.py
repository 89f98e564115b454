"""Where the CUDA sources are that the kernels of every family include."""

from __future__ import annotations

from pathlib import Path

SHARED = Path(__file__).parent / 'kernels'
"""Folder of sources, which none of them compiles alone."""
