"""Procedural street scenes with exact panoptic ground truth."""

from .drive import Drive
from .variety import PLAIN, VARIED, VARIETIES, Variety


def warm_up() -> None:
    """Compile what varied drives compile, so that no frame waits for it."""
    Drive(0, (32, 32), VARIED).image_and_labels(0.0)


FIRST_HELD_OUT_SEED = 1_000_000
"""Drives with this seed or a greater one are for measuring only, never for training."""

__all__ = ['FIRST_HELD_OUT_SEED', 'PLAIN', 'VARIED', 'VARIETIES', 'Drive', 'Variety',
           'warm_up']
