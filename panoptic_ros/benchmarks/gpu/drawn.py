"""Outputs as a network might have, drawn and copied to device memory; no network has to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ... import families
from ...device import Device, DeviceArray
from ...engine import ModelMetadata
from ...families.fpn.detections import NAMES
from ...labels import LabelSpace
from ..detections import make_detections
from ..heads import make_heads
from ..queries import make_queries


class Drawn(NamedTuple):
    """Outputs for some images, and the metadata of a model with such outputs."""

    metadata: ModelMetadata
    outputs: Mapping[str, npt.NDArray[Any]]
    """The outputs by name, each [N, ...]."""

    def reference(self, options: Any, size: tuple[int, int], image: int = 0
                  ) -> npt.NDArray[np.uint16]:
        """Return the labels of an image, (height, width), by the family's reference."""
        decode = families.find(self.metadata.family).decoder(self.metadata, 'reference')
        outputs = {name: values[image] for name, values in self.outputs.items()}
        return decode(outputs, size, options).labels


class DrawnEngine:
    """
    Drawn outputs in device memory; see ``engine.protocol.DeviceEngine``.

    Raises
    ------
    DeviceError
        The device has not enough memory.

    """

    description = 'drawn outputs'

    def __init__(self, device: Device, drawn: Drawn) -> None:
        self.metadata = drawn.metadata
        self.batch = len(next(iter(drawn.outputs.values())))
        self.image = device.empty((self.batch, *self.metadata.input_size, 3), np.uint8)
        self.outputs: Mapping[str, DeviceArray] = {
            name: device.put(values) for name, values in drawn.outputs.items()}

    def enqueue(self, count: int) -> None:
        """There is nothing to run."""

    def close(self) -> None:
        """Free the memory."""
        for array in (self.image, *self.outputs.values()):
            array.free()


def draw(size: tuple[int, int], instances: int, kind: str = 'float32', batch: int = 1) -> Drawn:
    """
    Draw heads for Cityscapes' classes.

    Parameters
    ----------
    size
        The network's input (height, width) in pixels.
    instances
        Number of instances in each image.
    kind
        'float32' or 'float16'.
    batch
        Number of images, each with other heads.

    """
    space = LabelSpace.load('cityscapes')
    images = [make_heads(space, size, instances, seed=seed) for seed in range(batch)]
    outputs = {'semantic': np.stack([heads.semantic for heads in images]),
               'center': np.stack([heads.center[None] for heads in images]),
               'offset': np.stack([heads.offset for heads in images])}
    return Drawn(ModelMetadata('drawn', size, space, layout={'stride': images[0].stride}),
                 {name: values.astype(kind) for name, values in outputs.items()})


def draw_queries(size: tuple[int, int], count: int, kind: str = 'float32', batch: int = 1
                 ) -> Drawn:
    """
    Draw queries for Cityscapes' classes; the parameters are those of ``draw``.

    ``count`` is the number of queries.  All of them have a class, so all masks have to be read.
    """
    space = LabelSpace.load('cityscapes')
    images = [make_queries(space, size, count, count, seed=seed) for seed in range(batch)]
    outputs = {'classes': np.stack([queries.classes for queries in images]),
               'masks': np.stack([queries.masks for queries in images])}
    return Drawn(ModelMetadata('drawn', size, space, family='masks', layout={'queries': count}),
                 {name: values.astype(kind) for name, values in outputs.items()})


def draw_detections(size: tuple[int, int], count: int, kind: str = 'float32', batch: int = 1
                    ) -> Drawn:
    """
    Draw detections and stuff for Cityscapes' classes; the parameters are those of ``draw``.

    ``count`` is the number of detections.  All of them have a score above the threshold.
    """
    space = LabelSpace.load('cityscapes')
    images = [make_detections(space, size, count, count, seed=seed) for seed in range(batch)]
    outputs = {name: np.stack([getattr(detections, name) for detections in images])
               for name in NAMES}
    return Drawn(ModelMetadata('drawn', size, space, family='fpn', layout={'detections': count}),
                 {name: values if name == 'classes' else values.astype(kind)
                  for name, values in outputs.items()})


DRAW: Mapping[str, Callable[..., Drawn]] = {'deeplab': draw, 'fpn': draw_detections,
                                            'masks': draw_queries}
"""For each family whose decoder is measured, what draws outputs of its networks."""
