"""Where the sources of the CUDA kernels are."""

from __future__ import annotations

from pathlib import Path

KERNELS = Path(__file__).parent / 'kernels'
"""Folder of ``kernels.cu`` and what it includes."""
