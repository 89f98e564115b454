"""The family of Panoptic-DeepLab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt

from ...panoptic import Panoptic
from ...plain_data import Between, check, read
from ...segments.grid import Grid, filled
from ...tensors import FLOATS, OutputError, Outputs, TensorSpec
from ..family import DeviceDecoder, Model
from .heads import NAMES, Heads
from .kernel_sources import KERNELS
from .methods import decode, executions, warm_up
from .options import Options

if TYPE_CHECKING:
    from ...device import Device, DeviceArray, Module


@dataclass(frozen=True)
class Layout:
    """
    The layout of the heads, as the model's file gives it: where their cells lie.

    Raises
    ------
    ValueError
        A value is of another type or out of range.

    """

    stride: Annotated[int, Between(1, 16384)]
    """Pixels of the network's input for each cell of the heads."""
    align_corners: bool = False
    """See ``Grid``."""

    def __post_init__(self) -> None:
        check(self)


def grid_of(model: Model) -> Grid:
    """
    Return the grid of the cells of a model's heads on its input.

    Raises
    ------
    ValueError
        The model's layout is not that of heads.

    """
    layout = read(Layout, model.layout)
    return Grid(model.input_size, layout.stride, layout.align_corners)


def grids_of(model: Model, sizes: Sequence[tuple[int, int]]) -> tuple[Grid, ...]:
    """Return the grid for each image; ``sizes`` are their (height, width)."""
    grid = grid_of(model)
    return tuple(replace(grid, image_size=filled(size, model.input_size, model.fit))
                 for size in sizes)


def heads_of(outputs: Mapping[str, npt.NDArray[Any]], grid: Grid) -> Heads:
    """Return the network's outputs for one image, given by name, as heads on a grid."""
    return Heads(outputs['semantic'], outputs['center'][0], outputs['offset'], grid.stride,
                 grid.align_corners, grid.input_size, grid.image_size)


class HeadsDecoder:
    """Decodes the heads of one image on the processor; see ``family.Decoder``."""

    def __init__(self, model: Model, method: str) -> None:
        executions(method)
        grid_of(model)          # a layout that is not that of heads is refused now
        self._model, self._method = model, method

    def __call__(self, outputs: Mapping[str, npt.NDArray[Any]], size: tuple[int, int],
                 options: Options, confidence: bool = False) -> Panoptic:
        """Decode the heads; see ``family.Decoder``."""
        [grid] = grids_of(self._model, [size])
        return decode(heads_of(outputs, grid), self._model.label_space, size, self._method,
                      options, confidence)


class DeepLab:
    """Networks with heads of semantic logits, centres and offsets; see ``family.Family``."""

    name = 'deeplab'
    options = Options
    kernels = KERNELS

    def outputs(self, model: Model) -> Outputs:
        """Return the heads: logits of the classes, centre heatmap, offsets (dy, dx)."""
        cells = grid_of(model).cells
        channels = (len(model.label_space), 1, 2)
        return {name: TensorSpec((count, *cells), FLOATS)
                for name, count in zip(NAMES, channels, strict=True)}

    def decoder(self, model: Model, method: str = 'cpu') -> HeadsDecoder:
        """Return a decoder for the processor."""
        return HeadsDecoder(model, method)

    def warm_up(self, method: str = 'cpu') -> None:
        """Load and compile what a method needs."""
        warm_up(method)

    def check(self, panoptic: Panoptic, outputs: Mapping[str, npt.NDArray[Any]]) -> None:
        """
        Refuse a result of NaN logits, which has the first class everywhere.

        The score of stuff is a mean of soft-max probabilities of the likeliest class.  It is as
        low as one divided by the number of classes only if no class is likelier than the others.
        Where no stuff is labelled, as when the first class is a thing, the logits tell it.
        """
        scores, classes = panoptic.stuff.score, len(panoptic.label_space)
        if len(scores):
            is_flat = scores.max() < 1.0001 / classes
        else:
            logits = np.nan_to_num(outputs['semantic'])
            is_flat = (logits == logits[:1]).all()
        if classes > 1 and is_flat:
            raise OutputError('no class is likelier than another, in any pixel: the network gives '
                              'NaN or one number everywhere; export it again, or take precision '
                              'fp32')

    def device_decoder(self, device: Device, kernels: Module,
                       outputs: Mapping[str, DeviceArray], model: Model,
                       sizes: Sequence[tuple[int, int]], options: Options,
                       confidence: bool = False) -> DeviceDecoder:
        """Return a decoder for a batch in device memory."""
        from .cuda import CudaDecoder, DeviceHeads
        heads = DeviceHeads(outputs['semantic'], outputs['center'], outputs['offset'],
                            grids_of(model, sizes))
        return CudaDecoder(device, kernels, heads, model.label_space, sizes, options, confidence)


FAMILY = DeepLab()
