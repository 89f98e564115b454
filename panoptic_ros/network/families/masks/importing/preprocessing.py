"""How a source brings images to its network's input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .....plain_data import show
from ....checkpoint import CheckpointError
from ..config import DEVIATION, MEAN
from ..variants import BLACK

Triple = tuple[float, float, float]
LEAST_SCALE, MOST = 1e-6, 1e6
"""The least factor of pixels, and the largest mean and deviation: more is a mistake."""


@dataclass(frozen=True)
class Preprocessing:
    """The normalisation of pixels, and the way in which another shape of images is treated."""

    mean: Triple = MEAN
    """Mean of red, green and blue, 0 to 255."""
    deviation: Triple = DEVIATION
    fit: str = 'pad'
    padding: tuple[int, ...] = BLACK
    """Blue, green and red."""

    @classmethod
    def of(cls, model: str, data: Mapping[str, Any] | None) -> Preprocessing:
        """
        Read a ``preprocessor_config.json``; without one, take what the model was published with.

        A network pads after it has normalised, so its padding has the mean colour (Mask2Former),
        or before, so that it is black (EoMT).

        Raises
        ------
        CheckpointError
            The file has values that no preprocessing has.

        """
        data = data or {}
        mean, deviation = MEAN, DEVIATION
        scale = data.get('rescale_factor', 1 / 255) if data.get('do_rescale', True) else 1.0
        if type(scale) not in (int, float) or not LEAST_SCALE <= scale <= 1:
            raise CheckpointError(f'rescale_factor is {show(scale)}: expected {LEAST_SCALE} to 1')
        if not data.get('do_normalize', True):
            mean, deviation = (0.0, 0.0, 0.0), (1 / scale,) * 3
        elif 'image_mean' in data or 'image_std' in data:
            mean, deviation = (_triple(data, name, scale) for name in ('image_mean', 'image_std'))
        if min(deviation) <= 0:
            raise CheckpointError(f'image_std is {show(data.get("image_std"))}: expected values '
                                  'above 0')
        size = data.get('size')
        if isinstance(size, Mapping) and 'height' in size and 'shortest_edge' not in size:
            return cls(mean, deviation, 'stretch', ())
        colour = BLACK if model == 'eomt' else tuple(
            min(255, max(0, round(value))) for value in reversed(mean))
        return cls(mean, deviation, 'pad', colour)


def _triple(data: Mapping[str, Any], name: str, scale: float) -> Triple:
    values = data.get(name)
    if not isinstance(values, list) or len(values) != 3 or not all(
            type(value) in (int, float) and abs(value) <= MOST for value in values):
        raise CheckpointError(f'{name} is {show(values)}: expected three numbers within '
                              f'+-{MOST}')
    red, green, blue = (round(value / scale, 6) for value in values)
    return red, green, blue
