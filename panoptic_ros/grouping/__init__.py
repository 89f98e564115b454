"""Grouping: from the network's heads to the panoptic label image."""

from __future__ import annotations

from .methods import group, warm_up
from .options import GroupingOptions

__all__ = ['GroupingOptions', 'group', 'warm_up']
