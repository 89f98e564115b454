"""The network's output: semantic logits, centre heatmap and offsets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Heads:
    """
    The three heads of Panoptic-DeepLab for one image (Cheng et al., CVPR 2020).

    Parameters
    ----------
    semantic
        (C, h, w) logits, float32 or float16.
    center
        (h, w) centre heatmap, same type.
    offset
        (2, h, w): from each cell to the centre of its instance as (dy, dx) in pixels of the
        network's input, same type.
    stride
        Pixels of the network's input per cell of the heads.

    Raises
    ------
    ValueError
        A shape or type is not as above.

    """

    semantic: npt.NDArray[np.floating]
    center: npt.NDArray[np.floating]
    offset: npt.NDArray[np.floating]
    stride: int = 4

    def __post_init__(self) -> None:
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

    @property
    def input_size(self) -> tuple[int, int]:
        """The network's input (height, width) in pixels."""
        return self.center.shape[0] * self.stride, self.center.shape[1] * self.stride
