"""Turning a Panoptic-FPN of detectron2 into a checkpoint of this package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from .....labels import LabelSpace
from ....checkpoint import Checkpoint, CheckpointError
from ....importing.comparison import Comparison
from ....importing.reading import SourceFile
from ....importing.values import refuse_impossible
from ..config import FpnConfig
from ..variants import PRESETS, PUBLISHED
from .keys import blank, rename
from .settings import ANCHORS, check_anchors, normalised

MARK = 'sem_seg_head.p2.0.weight'
"""An entry that every Panoptic-FPN of detectron2 has."""
_CLASSES, _STUFF = 'roi_heads.box_predictor.cls_score.weight', 'sem_seg_head.predictor.weight'
_SIZES = ('backbone.fpn_lateral2.weight', MARK, 'roi_heads.box_head.fc1.weight')
"""Entries whose first dimensions are ``channels``, ``semantic`` and ``hidden``."""
_SPACES = {(80, 53): 'coco', (8, 11): 'cityscapes'}
"""The label space by the numbers of things and of stuff; the sources order them as we do."""


@dataclass(frozen=True)
class FpnConversion:
    """The network that a file holds; see ``network.family.Conversion``."""

    source: SourceFile
    config: FpnConfig
    classes: int
    comparison: Comparison
    origin: str = 'detectron2'

    @classmethod
    def of(cls, source: SourceFile, allowed: Sequence[str] = ()) -> FpnConversion:
        """
        Recognise a file; the shapes tell the sizes of the heads.

        Parameters
        ----------
        source
            The file.
        allowed
            Names, or patterns with ``*`` and ``?``, of entries that may be left over.

        Raises
        ------
        CheckpointError
            It lacks a predictor, is like no network of this package, or was trained with anchors
            that no network here has.

        """
        things, stuff = (_rows(source, name) - 1 for name in (_CLASSES, _STUFF))
        channels, semantic, hidden = (_rows(source, name) for name in _SIZES)
        try:
            configs = [replace(config, things=things, channels=channels, semantic=semantic,
                               hidden=hidden) for config in PRESETS.values()]
        except ValueError as error:
            raise CheckpointError(f'{source.name}: {error}') from error
        if stuff < 1:
            raise CheckpointError(f'{source.name} has no class of stuff: expected at least one')
        config = max(configs, key=lambda config: _agreeing(source, config, stuff))
        shapes = _shapes(config, stuff)
        agreeing = sum(_fits(source, shapes))
        if agreeing < 0.5 * max(len(shapes), len(source.weights)):
            raise CheckpointError(
                f'{source.name} has the heads of a Panoptic-FPN, but no network of this package '
                f'is like the rest: nearest is {config.name!r}, of whose {len(shapes)} entries '
                f'{agreeing} agree; expected one of {", ".join(PRESETS)}')
        if replace(config, things=PRESETS[config.name].things) != PRESETS[config.name]:
            config = replace(config, name=f'{config.name}-like')
        comparison = Comparison.of(source.weights, shapes, allowed)
        anchors = tuple(name for name in source.weights if ANCHORS.fullmatch(name))
        check_anchors(config, {name: source.weights[name] for name in anchors}, source.name)
        left_over, others = ([name for name in names if name not in anchors]
                             for names in (comparison.left_over, comparison.allowed))
        comparison = replace(comparison, normalisation=(*comparison.normalisation, *anchors),
                             left_over=tuple(left_over), allowed=tuple(others))
        return cls(source, normalised(config, source), things + stuff, comparison)

    def described(self) -> list[str]:
        """Return in a few lines which network the file holds."""
        config = self.config
        return [
            f'{self.source.name}: {self.source.format}',
            f'network {config.name!r}, written by {self.origin}: {len(self.comparison.used)} '
            'entries have its names and shapes',
            f'{config.things} things and {config.stuff(self.classes)} stuff classes, by the '
            'shapes of the predictors',
            'stride in the first 1x1 convolutions of blocks (not in the weights: as published)',
            f'mean {config.mean}, deviation {config.deviation}, '
            f'{"RGB" if config.rgb else "BGR"}; images keep their aspect and are padded']

    def label_space(self, given: LabelSpace | None = None) -> LabelSpace:
        """
        Return the given label space, or that of the data set with so many things and stuff.

        Raises
        ------
        ValueError
            The given one has other numbers of them, or no known data set has these.

        """
        counts = self.config.things, self.config.stuff(self.classes)
        if given is None:
            if counts not in _SPACES:
                raise ValueError(f'{self.source.name} has {counts[0]} things and {counts[1]} '
                                 'stuff classes, which no known data set has: name its label '
                                 'space with --labels')
            given = LabelSpace.load(_SPACES[counts])
        found = int(given.is_thing.sum()), int((~given.is_thing).sum())
        if found != counts:
            raise ValueError(f'label space {given.name!r} has {found[0]} things and {found[1]} '
                             f'stuff classes: {self.source.name} has {counts[0]} and {counts[1]}')
        return given

    def checkpoint(self, labels: LabelSpace) -> Checkpoint:
        """
        Return the network with the file's weights.

        Raises
        ------
        CheckpointError
            An entry is missing, left over, of another shape, or it has values that no network has.

        """
        if not self.comparison.complete:
            raise CheckpointError(f'{self.source.name} is not complete: see the comparison')
        refuse_impossible({name: self.source.weights[name] for name in self.comparison.used})
        names = rename(self.config, self.classes)
        weights = {ours: self._entry(theirs) for theirs, ours in names.items()}
        training: dict[str, Any] = {
            'imported_from': self.source.name, 'sha256': self.source.sha256,
            'source': self.origin}
        published = PUBLISHED.get(self.config.name)
        if published is not None and labels.name == 'coco':
            training['published'] = published._asdict()
        return Checkpoint(self.config, labels, weights, training, {})

    def export_arguments(self, labels: LabelSpace) -> str:
        """Return a size like that of the source's evaluation: 800 pixels, at most 1333."""
        return '--size 1024x2048' if labels.name == 'cityscapes' else '--size 800x1344'

    def _entry(self, name: str) -> Tensor:
        if name in self.comparison.counters:
            return torch.tensor(0)
        value = self.source.weights[name].detach()
        return (value.float() if value.is_floating_point() else value).clone()


def _rows(source: SourceFile, name: str) -> int:
    value = source.weights.get(name)
    if value is None or not value.ndim:
        raise CheckpointError(f'{source.name} lacks {name}, which every Panoptic-FPN has')
    return value.shape[0]


def _shapes(config: FpnConfig, stuff: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each entry by the source's names."""
    classes = config.things + stuff
    state = blank(config, classes).state_dict()
    return {theirs: tuple(state[ours].shape) for theirs, ours in rename(config, classes).items()}


def _fits(source: SourceFile, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[bool]:
    """Yield for each entry whether the file has it in that shape."""
    return (name in source.weights and tuple(source.weights[name].shape) == shape
            for name, shape in shapes.items())


def _agreeing(source: SourceFile, config: FpnConfig, stuff: int) -> int:
    """Return how many more entries of a network the file has than it lacks."""
    fits = list(_fits(source, _shapes(config, stuff)))
    return 2 * sum(fits) - len(fits)
