"""The network's outputs: semantic logits, centre heatmap and offsets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...segments.grid import Grid
from ...segments.outputs import check_arrays, whole_size

OFFSET_LIMIT = np.float32(1e6)
"""Offsets are clipped to +-OFFSET_LIMIT pixels, so that no squared distance overflows."""

NAMES = ('semantic', 'center', 'offset')
"""The names of the network's outputs."""


@dataclass(frozen=True, eq=False)
class Heads:
    """
    The three heads of Panoptic-DeepLab for one image (Cheng et al., CVPR 2020).

    Parameters
    ----------
    semantic
        (C, h, w) logits, float32 or float16.
    center
        (h, w) centre heatmap, of the same type.
    offset
        (2, h, w) offsets of the same type: (dy, dx) from each cell to the centre of its instance,
        in pixels of the network's input.
    stride
        Pixels of the network's input per cell of the heads.
    align_corners
        Where the cells lie; see ``Grid``.
    size
        The network's input (height, width) in pixels; by default the smallest with these cells.
    image_size
        (height, width) of the upper left part of the input that the image fills, the rest being
        padding; by default all of it.

    Raises
    ------
    ValueError
        A shape or type is not as above, or ``image_size`` is no part of the input.

    """

    semantic: npt.NDArray[np.floating]
    center: npt.NDArray[np.floating]
    offset: npt.NDArray[np.floating]
    stride: int = 4
    align_corners: bool = False
    size: tuple[int, int] | None = None
    image_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check_arrays(self, NAMES)
        for name in ('size', 'image_size'):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, whole_size(value, name))
        if self.semantic.ndim != 3 or 0 in self.semantic.shape:
            raise ValueError(f'semantic has shape {self.semantic.shape}: expected (C, h, w)')
        cells = self.semantic.shape[1:]
        for name, array, shape in (('center', self.center, cells),
                                   ('offset', self.offset, (2, *cells))):
            if array.shape != shape:
                raise ValueError(f'{name} has shape {array.shape}: expected {shape}, as semantic '
                                 f'is {self.semantic.shape}')
        types = {array.dtype for array in (self.semantic, self.center, self.offset)}
        if len(types) != 1 or types.pop() not in (np.float32, np.float16):
            raise ValueError(
                f'heads are {self.semantic.dtype}, {self.center.dtype} and {self.offset.dtype}: '
                'expected all three float32 or all three float16')
        if self.stride < 1:
            raise ValueError(f'stride is {self.stride}: expected at least 1')
        if self.grid.cells != cells:
            raise ValueError(f'size is {self.size}: heads have {cells[0]}x{cells[1]} cells, '
                             f'expected {"x".join(map(str, self.grid.cells))} cells of '
                             f'stride {self.stride}')

    @property
    def grid(self) -> Grid:
        """Where the cells lie."""
        return Grid(self.input_size, self.stride, self.align_corners, self.image_size)

    @property
    def input_size(self) -> tuple[int, int]:
        """The network's input (height, width) in pixels."""
        if self.size is not None:
            return self.size
        less = self.stride - 1 if self.align_corners else 0
        height, width = self.center.shape
        return height * self.stride - less, width * self.stride - less
