"""Panoptic-DeepLab (Cheng et al., CVPR 2020): from its heads to the panoptic label image."""

from __future__ import annotations

from .family import FAMILY, Layout, grid_of, heads_of
from .heads import Heads
from .methods import decode, warm_up
from .options import Options

__all__ = ['FAMILY', 'Heads', 'Layout', 'Options', 'decode', 'grid_of', 'heads_of', 'warm_up']
