"""Turning a foreign checkpoint into one of this package."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from .....labels import LabelSpace
from ....checkpoint import Checkpoint, CheckpointError
from ....importing.comparison import NORMALISATION, Comparison
from ....importing.reading import SourceFile
from ....importing.values import refuse_impossible
from ..config import NetworkConfig
from ..variants import PUBLISHED
from .recognition import Layout, recognise

LABEL_SPACES = {19: 'cityscapes', 133: 'coco'}
"""
The label space by the number of classes.  The sources order Cityscapes by its training ids, and
COCO by its own ids, which puts the 80 things first.
"""

_CROPS = {133: (640, 640)}
"""Crops of trainings whose pooling window is not the preset's, by the number of classes."""


@dataclass(frozen=True)
class Conversion:
    """The network that a file was recognised as, and how the entries compare."""

    source: SourceFile
    layout: Layout
    config: NetworkConfig
    """The preset, changed by what the caller, the file and the number of classes tell."""
    comparison: Comparison

    @classmethod
    def of(cls, source: SourceFile, output_stride: int | None = None,
           crop: tuple[int, int] | None = None, allowed: Sequence[str] = ()) -> Conversion:
        """
        Recognise a file.

        Parameters
        ----------
        source
            The file.
        output_stride
            The output stride of the training; None for the published one.
        crop
            (height, width) of the training's crops, over which detectron2's networks average;
            None for the published one.
        allowed
            Entries that may be left over, see ``Comparison``.

        Raises
        ------
        CheckpointError
            The file is of no network of this package.
        ValueError
            The network has no such output stride or crop.

        """
        layout = recognise(source.weights)
        config = layout.config
        if output_stride is not None and output_stride != config.output_stride:
            config = config.with_output_stride(output_stride)
        if crop is None and not config.align_corners:
            crop = _CROPS.get(layout.classes)
        if crop is not None:
            config = replace(config, window=crop)
        comparison = Comparison.of(source.weights, layout.shapes, allowed)
        if comparison.normalisation:
            config = _normalised(config, source)
        return cls(source, layout, config, comparison)

    def label_space(self, given: LabelSpace | None = None) -> LabelSpace:
        """
        Return the given label space, or that of the data set with so many classes.

        Raises
        ------
        ValueError
            The given label space has another number of classes, or no data set has so many.

        """
        classes = self.layout.classes
        if given is None:
            if classes not in LABEL_SPACES:
                raise ValueError(f'{self.source.name} has {classes} classes, which no known data '
                                 'set has: name its label space with --labels')
            given = LabelSpace.load(LABEL_SPACES[classes])
        if len(given) != classes:
            raise ValueError(f'label space {given.name!r} has {len(given)} classes: '
                             f'{self.source.name} has {classes}')
        return given

    def checkpoint(self, labels: LabelSpace) -> Checkpoint:
        """
        Return the network with the file's weights, to export or to train on.

        Raises
        ------
        CheckpointError
            An entry is missing, left over, of another shape, or it has values that no network has.

        """
        if not self.comparison.complete:
            raise CheckpointError(f'{self.source.name} is not complete: see the comparison')
        refuse_impossible({name: self.source.weights[name] for name in self.comparison.used})
        weights = {ours: self._entry(theirs) for theirs, ours in self.layout.names.items()}
        training: dict[str, Any] = {
            'imported_from': self.source.name, 'sha256': self.source.sha256,
            'source': self.layout.source}
        published = PUBLISHED.get(self.config.name)
        if published is not None and labels.name == 'cityscapes':
            training['published'] = asdict(published)
        return Checkpoint(self.config, labels, weights, training, {})

    def _entry(self, name: str) -> Tensor:
        if name in self.comparison.counters:
            return torch.tensor(0)
        value = self.source.weights[name].detach()
        return (value.float() if value.is_floating_point() else value).clone()


def _normalised(config: NetworkConfig, source: SourceFile) -> NetworkConfig:
    """
    Return the network with the file's own normalisation.

    If the file's means are the preset's in reverse, it reads the colours in reverse, too.
    """
    sizes = [source.weights[name].numel() if name in source.weights else 3
             for name in NORMALISATION]
    if sizes != [3, 3]:     # before the values are read, because a view may claim any size
        raise CheckpointError(f'{source.name}: pixel_mean and pixel_std have {sizes[0]} and '
                              f'{sizes[1]} values: expected 3')
    mean, deviation = (
        tuple(round(float(v), 4) for v in source.weights[name].flatten())
        if name in source.weights else preset
        for name, preset in zip(NORMALISATION, (config.mean, config.deviation), strict=True))
    if not all(map(math.isfinite, mean)) or not all(0 < v < math.inf for v in deviation):
        raise CheckpointError(f'{source.name}: pixel_mean is {mean} and pixel_std {deviation}: '
                              'expected numbers, and deviations over 0')
    rgb = config.rgb != (mean == config.mean[::-1] != config.mean)
    return replace(config, mean=(mean[0], mean[1], mean[2]),
                   deviation=(deviation[0], deviation[1], deviation[2]), rgb=rgb)
