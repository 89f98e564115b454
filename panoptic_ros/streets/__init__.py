"""Procedural street scenes with exact panoptic ground truth."""

from .drive import Drive
from .variety import PLAIN, VARIED, VARIETIES, Variety

FIRST_HELD_OUT_SEED = 1_000_000
"""Drives with this seed or a greater one are for measuring only, never for training."""

__all__ = ['FIRST_HELD_OUT_SEED', 'PLAIN', 'VARIED', 'VARIETIES', 'Drive', 'Variety']
