"""The family of Panoptic-FPN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt

from ...panoptic import Panoptic
from ...plain_data import Between, check, read
from ...segments.grid import filled
from ...segments.softmax import finite
from ...tensors import FLOATS, OutputError, Outputs, TensorSpec
from ..family import DeviceDecoder, Model
from .detections import CLASS_TYPES, MOST, MOST_SIDE, Detections
from .kernel_sources import KERNELS
from .methods import decode, executions, warm_up
from .options import Options

if TYPE_CHECKING:
    from ...device import Device, DeviceArray, Module


@dataclass(frozen=True)
class Layout:
    """
    The layout of the outputs, as the model's file gives it.

    Raises
    ------
    ValueError
        A value is of another type or out of range.

    """

    detections: Annotated[int, Between(1, MOST)] = 100
    """How many rows of detections there are, empty ones included."""
    mask_side: Annotated[int, Between(1, MOST_SIDE)] = 28
    """Cells of a side of a detection's mask."""
    stride: Annotated[int, Between(1, 16384)] = 4
    """Pixels of the network's input for each cell of ``semantic``."""

    def __post_init__(self) -> None:
        check(self)


def detections_of(outputs: Mapping[str, npt.NDArray[Any]], model: Model, size: tuple[int, int]
                  ) -> Detections:
    """Return a model's outputs for one image of (height, width) pixels, given by name."""
    return Detections(outputs['semantic'], outputs['boxes'], outputs['scores'],
                      outputs['classes'], outputs['masks'], model.input_size,
                      filled(size, model.input_size, model.fit))


class DetectionsDecoder:
    """Decodes the detections of one image on the processor; see ``family.Decoder``."""

    def __init__(self, model: Model, method: str) -> None:
        executions(method)
        read(Layout, model.layout)      # a layout that is not this family's is refused now
        self._model, self._method = model, method

    def __call__(self, outputs: Mapping[str, npt.NDArray[Any]], size: tuple[int, int],
                 options: Options, confidence: bool = False) -> Panoptic:
        """Decode the detections; see ``family.Decoder``."""
        detections = detections_of(outputs, self._model, size)
        return decode(detections, self._model.label_space, size, self._method, options,
                      confidence)


class Fpn:
    """Networks that put out detections with masks, and logits of stuff; see ``family.Family``."""

    name = 'fpn'
    options = Options
    kernels = KERNELS

    def outputs(self, model: Model) -> Outputs:
        """Return the logits of stuff, and the boxes, scores, classes and masks of detections."""
        layout = read(Layout, model.layout)
        cells = [-(-side // layout.stride) for side in model.input_size]
        stuff, rows, side = len(model.label_space.stuff_ids), layout.detections, layout.mask_side
        return {'semantic': TensorSpec((stuff + 1, *cells), FLOATS),
                'boxes': TensorSpec((rows, 4), FLOATS), 'scores': TensorSpec((rows,), FLOATS),
                'classes': TensorSpec((rows,), CLASS_TYPES),
                'masks': TensorSpec((rows, side, side), FLOATS)}

    def decoder(self, model: Model, method: str = 'cpu') -> DetectionsDecoder:
        """Return a decoder for the processor."""
        return DetectionsDecoder(model, method)

    def warm_up(self, method: str = 'cpu') -> None:
        """Load and compile what a method needs."""
        warm_up(method)

    def check(self, panoptic: Panoptic, outputs: Mapping[str, npt.NDArray[Any]]) -> None:
        """
        Refuse a result of NaN, in which there is no stuff, or in which there is no thing.

        A good network finds no stuff as well where things fill the image, and no thing in an
        empty street.  So the logits are looked at when no stuff is labelled, and the detections
        when no thing is.
        """
        if not len(panoptic.stuff):
            logits = outputs['semantic']
            known = finite(logits)
            if np.isnan(logits).any() or (len(known) > 1 and (known == known[:1]).all()):
                raise _meaningless('no pixel has a class of stuff')
        if not len(panoptic.things):
            scores = outputs['scores']
            found = scores > 0
            if np.isnan(scores).any() or any(np.isnan(outputs[name][found]).any()
                                             for name in ('boxes', 'masks')):
                raise _meaningless('no detection has a score, a box and a mask')

    def device_decoder(self, device: Device, kernels: Module,
                       outputs: Mapping[str, DeviceArray], model: Model,
                       sizes: Sequence[tuple[int, int]], options: Options,
                       confidence: bool = False) -> DeviceDecoder:
        """Return a decoder for a batch in device memory."""
        from .cuda import CudaDecoder, DeviceDetections
        frames = [filled(size, model.input_size, model.fit) for size in sizes]
        detections = DeviceDetections(outputs['semantic'], outputs['boxes'], outputs['scores'],
                                      outputs['classes'], outputs['masks'], model.input_size,
                                      frames)
        return CudaDecoder(device, kernels, detections, model.label_space, sizes, options,
                           confidence)


def _meaningless(what: str) -> OutputError:
    return OutputError(f'{what}: the network gives NaN or one number everywhere; export it again, '
                       'or take precision fp32')


FAMILY = Fpn()
