"""The family of Mask2Former."""

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
from .kernel_sources import KERNELS
from .methods import decode, executions, warm_up
from .options import Options
from .queries import MOST, Queries

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

    queries: Annotated[int, Between(1, MOST)]
    """How many queries the network has."""
    stride: Annotated[int, Between(1, 16384)] = 4
    """Pixels of the network's input for each cell of the masks."""

    def __post_init__(self) -> None:
        check(self)


def queries_of(outputs: Mapping[str, npt.NDArray[Any]], model: Model, size: tuple[int, int]
               ) -> Queries:
    """Return a model's outputs for one image of (height, width) pixels, given by name."""
    return Queries(outputs['classes'], outputs['masks'], model.input_size,
                   filled(size, model.input_size, model.fit))


class QueriesDecoder:
    """Decodes the queries of one image on the processor; see ``family.Decoder``."""

    def __init__(self, model: Model, method: str) -> None:
        executions(method)
        read(Layout, model.layout)      # a layout that is not that of queries is refused now
        self._model, self._method = model, method

    def __call__(self, outputs: Mapping[str, npt.NDArray[Any]], size: tuple[int, int],
                 options: Options, confidence: bool = False) -> Panoptic:
        """Decode the queries; see ``family.Decoder``."""
        queries = queries_of(outputs, self._model, size)
        return decode(queries, self._model.label_space, size, self._method, options, confidence)


class Masks:
    """Networks that put out a class and a mask for each of some queries; see ``family.Family``."""

    name = 'masks'
    options = Options
    kernels = KERNELS

    def outputs(self, model: Model) -> Outputs:
        """Return the queries: logits of the classes and of no object, and logits of the masks."""
        layout = read(Layout, model.layout)
        cells = [-(-side // layout.stride) for side in model.input_size]
        return {'classes': TensorSpec((layout.queries, len(model.label_space) + 1), FLOATS),
                'masks': TensorSpec((layout.queries, *cells), FLOATS)}

    def decoder(self, model: Model, method: str = 'cpu') -> QueriesDecoder:
        """Return a decoder for the processor."""
        return QueriesDecoder(model, method)

    def warm_up(self, method: str = 'cpu') -> None:
        """Load and compile what a method needs."""
        warm_up(method)

    def check(self, panoptic: Panoptic, outputs: Mapping[str, npt.NDArray[Any]]) -> None:
        """
        Refuse a result of NaN logits, in which no pixel is labelled.

        A good network labels nothing as well where it sees nothing.  So the logits are looked at
        when nothing is labelled: those of the classes, and those of the masks if a query has a
        class.
        """
        if len(panoptic.segments):
            return
        logits = outputs['classes']
        known = finite(logits)
        if np.isnan(logits).any() or (known == known[:, :1]).all():
            what = 'no query has a class'
        elif (known.argmax(1) < len(panoptic.label_space)).any() and _has_nan(outputs['masks']):
            what = 'no mask has a pixel'
        else:
            return
        raise OutputError(f'{what}: the network gives NaN or one number everywhere; export it '
                          'again, or take precision fp32')

    def device_decoder(self, device: Device, kernels: Module,
                       outputs: Mapping[str, DeviceArray], model: Model,
                       sizes: Sequence[tuple[int, int]], options: Options,
                       confidence: bool = False) -> DeviceDecoder:
        """Return a decoder for a batch in device memory."""
        from .cuda import CudaDecoder, DeviceQueries
        frames = [filled(size, model.input_size, model.fit) for size in sizes]
        queries = DeviceQueries(outputs['classes'], outputs['masks'], model.input_size, frames)
        return CudaDecoder(device, kernels, queries, model.label_space, sizes, options, confidence)


def _has_nan(values: npt.NDArray[Any]) -> bool:
    with np.errstate(invalid='ignore'):
        return bool(np.isnan(values.min()))


FAMILY = Masks()
