"""The network's outputs: class logits and mask logits of each query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...segments.outputs import check_arrays, whole_size
from ...segments.resampling import Frame

NAMES = ('classes', 'masks')
"""The names of the network's outputs."""

MOST = 1024
"""The most queries that there may be."""


@dataclass(frozen=True, eq=False)
class Queries:
    """
    The queries of a mask classification network for one image (Mask2Former, CVPR 2022).

    Parameters
    ----------
    classes
        (Q, C + 1) logits of the classes and, last, of no object; float32 or float16.
    masks
        (Q, h, w) logits of the masks, of the same type; they cover the network's whole input.
    input_size
        The network's input (height, width) in pixels, at least (h, w).
    image_size
        (height, width) of the upper left part of the input that the image fills; the rest is
        padding.  By default the image fills the whole input.

    Raises
    ------
    ValueError
        A shape or type is not as above.

    """

    classes: npt.NDArray[np.floating]
    masks: npt.NDArray[np.floating]
    input_size: tuple[int, int]
    image_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check_arrays(self, NAMES)
        object.__setattr__(self, 'input_size', whole_size(self.input_size, 'input_size'))
        if self.image_size is not None:
            object.__setattr__(self, 'image_size', whole_size(self.image_size, 'image_size'))
        if self.masks.ndim != 3 or 0 in self.masks.shape:
            raise ValueError(f'masks have shape {self.masks.shape}: expected (Q, h, w)')
        count, *cells = self.masks.shape
        if self.classes.ndim != 2 or len(self.classes) != count or self.classes.shape[1] < 2:
            raise ValueError(f'classes have shape {self.classes.shape}: expected '
                             f'({count}, C + 1), as masks are {self.masks.shape}')
        if count > MOST:
            raise ValueError(f'there are {count} queries: expected at most {MOST}')
        types = {self.classes.dtype, self.masks.dtype}
        if len(types) != 1 or types.pop() not in (np.float32, np.float16):
            raise ValueError(f'classes are {self.classes.dtype} and masks {self.masks.dtype}: '
                             'expected both float32 or both float16')
        for full, part in zip(self.input_size, cells, strict=True):
            if full < part:
                raise ValueError(f'input_size is {self.input_size}: expected at least the '
                                 f'{cells[0]}x{cells[1]} cells of the masks')
        for full, part in zip(self.input_size, self.part, strict=True):
            if not 1 <= part <= full:
                raise ValueError(f'image_size is {self.image_size}: expected a positive part of '
                                 f'input_size {self.input_size}')

    @property
    def part(self) -> tuple[int, int]:
        """(height, width) of the part of the input that the image fills."""
        return self.input_size if self.image_size is None else self.image_size

    def frame(self, size: tuple[int, int]) -> Frame:
        """Return the sizes between the masks and a label image of (height, width) pixels."""
        height, width = self.masks.shape[1:]
        return Frame((height, width), self.input_size, self.part, size)
