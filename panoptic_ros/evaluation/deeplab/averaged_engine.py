"""Inference at several scales and on mirrored images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ...engine import Engine
from ...families.deeplab import FAMILY, Heads, grid_of, heads_of
from ...segments.grid import Grid

Floats = npt.NDArray[np.float32]

_LEAST_PROBABILITY = np.float32(1e-30)


class AveragedEngine:
    """
    Several networks as one: the mean of their heads, and of their heads for the mirrored image.

    Soft-max probabilities, heatmaps and offsets are averaged, the offsets in pixels of one size,
    as the public multi-scale inference of Panoptic-DeepLab does.  Here they are averaged on the
    cells of the largest network, before the grouping.  A model file has one input size, so each
    scale is a file of its own: the same network, exported for another size.

    Parameters
    ----------
    engines
        Networks of one label space; the one with the largest input gives its metadata.
    flip
        Whether each network also sees the image mirrored left to right; padding stays on the
        right.

    Raises
    ------
    ValueError
        There is no engine, one is of another family, or the label spaces or the ways in which
        images are brought to the networks differ.

    """

    def __init__(self, engines: Sequence[Engine], flip: bool = False) -> None:
        if not engines:
            raise ValueError('no engines: expected at least one network')
        self._engines, self._flip = tuple(engines), flip
        self.metadata = max((engine.metadata for engine in engines),
                            key=lambda metadata: metadata.input_size)
        space = self.metadata.label_space
        for engine in engines:
            if engine.metadata.family != FAMILY.name:
                raise ValueError(f'a network is of the family {engine.metadata.family}: expected '
                                 f'{FAMILY.name}, whose heads can be averaged; evaluate this '
                                 'one as it is')
            if engine.metadata.label_space != space:
                raise ValueError(
                    f'the networks know label spaces {space.name!r} and '
                    f'{engine.metadata.label_space.name!r}: expected one network exported for '
                    'several sizes')
            ways = [(each.fit, each.padding) for each in (self.metadata, engine.metadata)]
            if ways[0] != ways[1]:
                raise ValueError('images are brought to the networks by {} {} and {} {}: expected '
                                 'one way for all'.format(*ways[0], *ways[1]))
        sizes = ', '.join('{}x{}'.format(*engine.metadata.input_size) for engine in engines)
        self.description = (f'{engines[0].description}, mean of {sizes}'
                            + (', each also mirrored' if flip else ''))

    def __call__(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[Any]]:
        """Run the networks; see ``Engine``."""
        planes = np.stack([self._mean(image) for image in images])
        semantic, center, offset = np.split(planes, [-3, -2], axis=1)
        return {'semantic': semantic, 'center': center, 'offset': offset}

    def close(self) -> None:
        """Release the networks."""
        for engine in self._engines:
            engine.close()

    def _mean(self, image: npt.NDArray[np.uint8]) -> Floats:
        """Return the mean of all heads for one image, (C + 3, h, w)."""
        grid = grid_of(self.metadata)
        total = np.zeros((len(self.metadata.label_space) + 3, *grid.cells), np.float32)
        for engine in self._engines:
            scaled = np.asarray(cv2.resize(image, engine.metadata.input_size[::-1],
                                           interpolation=cv2.INTER_AREA), np.uint8)
            total += _planes(_heads(engine, scaled), grid)
            if self._flip:
                mirrored, width = _mirrored(scaled, self.metadata.padding)
                total += _planes(_heads(engine, mirrored), grid, width)
        total /= len(self._engines) * (2 if self._flip else 1)
        total[:-3] = np.log(np.maximum(total[:-3], _LEAST_PROBABILITY))
        return total


def _heads(engine: Engine, image: npt.NDArray[np.uint8]) -> Heads:
    outputs = engine(image[np.newaxis])
    return heads_of({name: tensor[0] for name, tensor in outputs.items()},
                    grid_of(engine.metadata))


def _mirrored(image: npt.NDArray[np.uint8], padding: tuple[int, ...]
              ) -> tuple[npt.NDArray[np.uint8], float]:
    """Return an image with all but its padding mirrored, and the share of the width of that."""
    width = image.shape[1]
    padded = 0
    if padding:
        (content,) = np.nonzero((image != np.array(padding, np.uint8)).any((0, 2)))
        padded = width - 1 - content[-1] if len(content) else 0
    return np.ascontiguousarray(np.roll(image[:, ::-1], -padded, 1)), 1 - padded / width


def _planes(heads: Heads, grid: Grid, mirrored: float = 0) -> Floats:
    """
    Return probabilities, heat and offsets in one array (C + 3, h, w) on another grid.

    ``mirrored`` is the share of the width, from the left, in which the heads are mirrored.
    """
    planes = np.concatenate([heads.semantic, heads.center[np.newaxis], heads.offset])
    planes = planes.astype(np.float32)
    for axis in (0, 1):
        ratio = grid.input_size[axis] / heads.input_size[axis]
        at = (np.arange(grid.cells[axis]) + grid.shift) * grid.stride / grid.input_size[axis]
        if mirrored and axis == 1:
            at, ratio = mirrored - at, -ratio
        planes = _sampled(planes, axis + 1,
                          at * heads.input_size[axis] / heads.stride - heads.grid.shift)
        planes[axis - 2] *= ratio
    logits = planes[:-3]
    weight = np.exp(logits - logits.max(0))
    planes[:-3] = weight / weight.sum(0)
    return planes


def _sampled(planes: Floats, axis: int, position: npt.NDArray[np.float64]) -> Floats:
    """Interpolate planes along an axis at positions in cells; beyond them the last cell counts."""
    last = planes.shape[axis] - 1
    position = np.clip(position, 0, last)
    lower = position.astype(np.intp)
    weight = (position - lower).astype(np.float32).reshape([-1] + [1] * (2 - axis))
    return np.asarray(planes.take(lower, axis) * (1 - weight)
                      + planes.take(np.minimum(lower + 1, last), axis) * weight)
