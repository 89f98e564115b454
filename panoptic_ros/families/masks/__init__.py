"""Mask2Former and its kin (Cheng et al., CVPR 2022): from its queries to the label image."""

from __future__ import annotations

from .family import FAMILY, Layout, queries_of
from .methods import decode, warm_up
from .options import Options
from .queries import Queries

__all__ = ['FAMILY', 'Layout', 'Options', 'Queries', 'decode', 'queries_of', 'warm_up']
