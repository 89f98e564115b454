"""Where the cells of a network's outputs lie on its input."""

from __future__ import annotations

from dataclasses import dataclass


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
