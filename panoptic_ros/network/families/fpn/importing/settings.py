"""Entries of a file that a network here has in its configuration: anchors, and colours."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from ....checkpoint import CheckpointError
from ....importing.comparison import NORMALISATION
from ....importing.reading import SourceFile
from ..boxes import cell_anchors
from ..config import FpnConfig

ANCHORS = re.compile(r'(?:proposal_generator\.)?anchor_generator\.cell_anchors\.(\d+)')
"""Entries of older files: the anchors of a cell of each map."""
_NEAR = 1e-3
"""Pixels by which an anchor's side may differ, as a file may be of half precision."""


def check_anchors(config: FpnConfig, entries: Mapping[str, Tensor], source: str) -> None:
    """
    Compare the anchors of a file with those of the network.

    Raises
    ------
    CheckpointError
        The file was trained with others.

    """
    for name, value in entries.items():
        match = ANCHORS.fullmatch(name)
        assert match is not None
        expected = cell_anchors(config.anchor * 2.0 ** min(int(match[1]), 30))
        if value.shape != expected.shape or not bool(
                ((value.float() - expected).abs() <= _NEAR).all()):
            found = value.tolist() if value.shape == expected.shape else tuple(value.shape)
            raise CheckpointError(f'{source}: {name} is {found}: expected {expected.tolist()}, '
                                  f'as network {config.name!r} has them')


def normalised(config: FpnConfig, source: SourceFile) -> FpnConfig:
    """
    Return the network with the file's own normalisation.

    If the file's means are the network's in reverse, it reads the colours in reverse, too.

    Raises
    ------
    CheckpointError
        The file's are no numbers for three colours.

    """
    found: dict[str, tuple[float, float, float]] = {}
    for name in NORMALISATION:
        value = source.weights.get(name)
        if value is None:
            continue
        if value.numel() != 3:      # before the values are read, because a view may claim any size
            raise CheckpointError(f'{source.name}: {name} has {value.numel()} values: expected 3')
        first, second, third = (round(float(number), 4) for number in value.flatten())
        found[name] = first, second, third
    mean = found.get('pixel_mean', config.mean)
    deviation = found.get('pixel_std', config.deviation)
    if not all(map(math.isfinite, mean)) or not all(0 < number < math.inf for number in deviation):
        raise CheckpointError(f'{source.name}: pixel_mean is {mean} and pixel_std {deviation}: '
                              'expected numbers, and deviations over 0')
    rgb = config.rgb != (mean == config.mean[::-1] != config.mean)
    return replace(config, mean=mean, deviation=deviation, rgb=rgb)
