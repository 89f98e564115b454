"""Where the cells of a network's outputs lie on its input."""

from __future__ import annotations

from dataclasses import dataclass

FITS = ('stretch', 'pad')
"""The ways in which an image of another shape is brought to the network's input; see `filled`."""


def filled(size: tuple[int, int], input_size: tuple[int, int], fit: str) -> tuple[int, int]:
    """
    Return the part of the network's input that an image fills.

    With 'stretch' the image fills all of it.  With 'pad' the image keeps its shape and fills the
    upper left part: one side is the input's, and the other is rounded to whole pixels.  A half is
    rounded up, as ``ResizeShortestEdge`` of detectron2 rounds it.  ``round`` of Python, which EoMT
    takes, rounds every other half down, and gives one pixel less there.

    Parameters
    ----------
    size
        The image's (height, width) in pixels.
    input_size
        The network's input (height, width) in pixels.
    fit
        'stretch' or 'pad'.

    Returns
    -------
    (height, width) in pixels of the network's input.

    """
    if fit == 'stretch':
        return input_size
    (height, width), (full_height, full_width) = size, input_size
    if height * full_width >= width * full_height:
        return full_height, max(1, (2 * width * full_height + height) // (2 * height))
    return max(1, (2 * height * full_width + width) // (2 * width)), full_width


@dataclass(frozen=True)
class Grid:
    """
    Where the cells of the heads lie on the network's input.

    Cell ``k`` of an axis lies in the middle of the pixels ``k * stride`` to
    ``(k + 1) * stride - 1``; with ``align_corners`` at the pixel ``k * stride``.  So networks see
    it that were trained on heads upsampled with ``align_corners=False`` or ``True``.
    """

    input_size: tuple[int, int]
    """The network's input (height, width) in pixels."""
    stride: int = 4
    align_corners: bool = False

    @property
    def cells(self) -> tuple[int, int]:
        """(h, w) of the heads; with ``align_corners`` the last cell is at the end or past it."""
        past = 2 * self.stride - 2 if self.align_corners else 0
        height, width = ((pixels + past) // self.stride for pixels in self.input_size)
        return height, width

    @property
    def shift(self) -> float:
        """How far, in cells, the first cell lies from the upper left corner of the image."""
        return 0.5 / self.stride if self.align_corners else 0.5
