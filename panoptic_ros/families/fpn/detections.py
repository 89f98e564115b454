"""The network's outputs: logits of stuff, and detections with their masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...segments.outputs import check_arrays, whole_size

NAMES = ('semantic', 'boxes', 'scores', 'classes', 'masks')
"""The names of the network's outputs."""

MOST = 1000
"""The most detections that there may be."""

MOST_SIDE = 128
"""The most cells of a side of their masks."""

CLASS_TYPES = ('int64', 'int32')
"""The types of classes."""


@dataclass(frozen=True, eq=False)
class Detections:
    """
    The outputs of a Panoptic-FPN for one image (Kirillov et al., CVPR 2019).

    Parameters
    ----------
    semantic
        (S, h, w) logits; they cover the network's whole input.  Channel 0 stands for all things,
        and the others for the label space's classes of stuff, in order.
    boxes
        (D, 4) x0, y0, x1, y1 in pixels of the network's input.
    scores
        (D,) probabilities of the classes; 0 in rows past the last detection.
    classes
        (D,) int64 or int32, the class of each as its place among the label space's things.
    masks
        (D, side, side) probabilities of the pixels in each box.
    input_size
        The network's input (height, width) in pixels, at least (h, w).
    image_size
        (height, width) of the upper left part of the input that the image fills; the rest is
        padding.  By default the image fills the whole input.

    All but ``classes`` are float32 or float16.

    Raises
    ------
    ValueError
        A shape or type is not as above.

    """

    semantic: npt.NDArray[np.floating]
    boxes: npt.NDArray[np.floating]
    scores: npt.NDArray[np.floating]
    classes: npt.NDArray[np.integer]
    masks: npt.NDArray[np.floating]
    input_size: tuple[int, int]
    image_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check_arrays(self, NAMES)
        object.__setattr__(self, 'input_size', whole_size(self.input_size, 'input_size'))
        if self.image_size is not None:
            object.__setattr__(self, 'image_size', whole_size(self.image_size, 'image_size'))
        for name in NAMES:
            array = getattr(self, name)
            allowed = CLASS_TYPES if name == 'classes' else ('float32', 'float16')
            if array.dtype.name not in allowed:
                raise ValueError(f'{name} are {array.dtype}: expected {" or ".join(allowed)}')
        self._check_shapes()
        cells = self.semantic.shape[1:]
        for full, part in zip(self.input_size, cells, strict=True):
            if full < part:
                raise ValueError(f'input_size is {self.input_size}: expected at least the '
                                 f'{cells[0]}x{cells[1]} cells of semantic')
        for full, part in zip(self.input_size, self.part, strict=True):
            if not 1 <= part <= full:
                raise ValueError(f'image_size is {self.image_size}: expected a positive part of '
                                 f'input_size {self.input_size}')

    def _check_shapes(self) -> None:
        if self.semantic.ndim != 3 or 0 in self.semantic.shape:
            raise ValueError(f'semantic has shape {self.semantic.shape}: expected (S, h, w)')
        if self.masks.ndim != 3 or self.masks.shape[1] != self.masks.shape[2]:
            raise ValueError(f'masks have shape {self.masks.shape}: expected (D, side, side)')
        count, side, _ = self.masks.shape
        if count > MOST:
            raise ValueError(f'there are {count} detections: expected at most {MOST}')
        if not 1 <= side <= MOST_SIDE:
            raise ValueError(f'masks have {side} cells a side: expected 1 to {MOST_SIDE}')
        shapes: tuple[tuple[str, tuple[Any, ...]], ...] = (
            ('boxes', (count, 4)), ('scores', (count,)), ('classes', (count,)))
        for name, shape in shapes:
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f'{name} have shape {found}: expected {shape}, as masks are '
                                 f'{self.masks.shape}')

    @property
    def part(self) -> tuple[int, int]:
        """(height, width) of the part of the input that the image fills."""
        return self.input_size if self.image_size is None else self.image_size
