"""What a pixel is while it is grouped: one number, the same on every device."""

from __future__ import annotations

UNASSIGNED = 256
"""A stuff class is its own code; UNASSIGNED + a class is a thing that belongs to no centre yet."""

INSTANCE = 512
"""INSTANCE + the number of a centre is a pixel that belongs to it."""
