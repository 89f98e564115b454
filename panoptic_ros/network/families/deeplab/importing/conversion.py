"""Turning a foreign checkpoint into one of this package."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from .....labels import LabelSpace
from ....checkpoint import Checkpoint, CheckpointError
from ....family import ImportOptions
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

NOTHING = ImportOptions()
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
    given: ImportOptions
    """What the user said of it."""

    @classmethod
    def of(cls, source: SourceFile, options: ImportOptions = NOTHING) -> Conversion | None:
        """
        Recognise a file.

        Parameters
        ----------
        source
            The file.
        options
            What the user says of it.

        Returns
        -------
        None if the file is of another family.

        Raises
        ------
        CheckpointError
            The file is of no network of this package.
        ValueError
            The network has no such output stride or crop.

        """
        layout = recognise(source.weights)
        if layout is None:
            return None
        config, (allowed, output_stride, crop) = layout.config, options
        if output_stride is not None and output_stride != config.output_stride:
            config = config.with_output_stride(output_stride)
        if crop is None and not config.align_corners:
            crop = _CROPS.get(layout.classes)
        if crop is not None:
            config = replace(config, window=crop)
        comparison = Comparison.of(source.weights, layout.shapes, allowed)
        if comparison.normalisation:
            config = _normalised(config, source)
        return cls(source, layout, config, comparison, options)

    @property
    def origin(self) -> str:
        """Return the name of the code that wrote the file."""
        return self.layout.source

    @property
    def classes(self) -> int:
        """Return the number of classes."""
        return self.layout.classes

    def described(self) -> list[str]:
        """Return in a few lines which network the file holds, and how it was recognised."""
        config, layout = self.config, self.layout
        lines = [
            f'{self.source.name}: {self.source.format}',
            f'network {config.name!r}, written by {layout.source}: {len(self.comparison.used)} '
            f'of its {len(layout.shapes)} entries have its names and shapes',
            f'{layout.classes} classes, by the shape of the predictor',
            f'output stride {config.output_stride} (not in the weights: '
            f'{_origin(self.given.output_stride)})']
        if config.window is not None:
            lines.append(f'trained with crops of {config.window[0]}x{config.window[1]} (not in '
                         f'the weights: {_origin(self.given.crop)})')
        if self.comparison.normalisation:
            same = (config.mean, config.deviation) == (layout.config.mean, layout.config.deviation)
            lines.append(f'normalisation of the file, {"as" if same else "other than"} published: '
                         f'mean {config.mean}, deviation {config.deviation}, '
                         f'{"RGB" if config.rgb else "BGR"}')
        return lines

    def export_arguments(self, labels: LabelSpace) -> str:
        """Return the size and the thresholds of the source's evaluation."""
        if labels.name == 'coco':
            height, width = self.config.window or (640, 640)
            return (f'--size {height}x{width} --deeplab.nms-kernel 41 '
                    '--deeplab.stuff-area 4096')
        return '--size 1024x2048'

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


def _origin(given: object) -> str:
    return 'as published' if given is None else 'as given'


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
