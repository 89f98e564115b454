"""How much the tests of a GPU do; a double of one does less."""

from __future__ import annotations

FRAMES, OPENINGS = 10_000, 50
"""Of the endurance tests; 5 % of the frames warm up."""
EXAMPLES = 200
"""Of the property test."""
SCALE = 1
"""By which larger images are divided."""


def scaled(size: tuple[int, int]) -> tuple[int, int]:
    """Return a size for this GPU."""
    return size[0] // SCALE, size[1] // SCALE
