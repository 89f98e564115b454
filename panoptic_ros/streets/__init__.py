"""Procedural street scenes with exact panoptic ground truth."""

from .drive import Drive

FIRST_HELD_OUT_SEED = 1_000_000
"""Drives with this seed or a greater one are for measuring only, never for training."""

__all__ = ['FIRST_HELD_OUT_SEED', 'Drive']
