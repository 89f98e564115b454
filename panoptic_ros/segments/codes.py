"""What a pixel is while segments are made: one number, the same on every device."""

from __future__ import annotations

UNASSIGNED = 256
"""A stuff class is its own code; UNASSIGNED + a class is a thing that has no instance yet."""

INSTANCE = 512
"""INSTANCE + the number of an instance is a pixel that belongs to it."""
