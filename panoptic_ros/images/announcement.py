"""What an image file says of itself before a pixel of it is decoded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Announcement:
    """The size of an image file, and the work that it asks for."""

    width: int
    height: int
    bits: int = 8
    """Bits of a sample."""
    scans: int = 1
    """How often the decoder goes through the pixels."""
    coded: int | None = None
    """Bytes that hold pixels; None when only a decoder can tell."""
    least: int = 0
    """The fewest bytes that so many pixels can take, whatever they show."""
    complete: bool = True
    """False when the end is missing."""
    end: int | None = None
    """Where the image ends and something else may follow; None for the end of the file."""
