"""Telling the network of a foreign checkpoint from its names and shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from ....checkpoint import CheckpointError
from ....importing.comparison import COUNTER
from ....importing.recognition import some
from ..config import NetworkConfig
from ..variants import PRESETS
from . import bowenc, detectron2, keys

SOURCES: dict[str, Callable[[NetworkConfig], dict[str, str]]] = {
    'detectron2': detectron2.rename, 'bowenc': bowenc.rename}
"""Returns a source's name of each entry of a network, with our name."""

_CLASSES = ('semantic.1.weight', 'semantic.1.bias')
"""Our names of entries whose first dimension is the number of classes."""


@dataclass(frozen=True)
class Layout:
    """A network with the names and shapes that a source gives its entries."""

    source: str
    config: NetworkConfig
    """A preset; settings that weights do not show (strides, dilations, windows) are published."""
    classes: int
    names: dict[str, str]
    """The source's name of each entry, with our name."""
    shapes: dict[str, tuple[int, ...]]
    """The shape of each entry, by the source's names."""

    @classmethod
    def of(cls, source: str, config: NetworkConfig, classes: int) -> Layout:
        """Return the layout of a network of so many classes."""
        names = SOURCES[source](config)
        entries = keys.blank(config).state_dict()
        shapes = {theirs: (classes, *entries[ours].shape[1:]) if ours in _CLASSES
                  else tuple(entries[ours].shape) for theirs, ours in names.items()}
        return cls(source, config, classes, names, shapes)

    def agreeing(self, weights: Mapping[str, Tensor]) -> int:
        """Return how many entries are there with the right shape."""
        return sum(name in weights and tuple(weights[name].shape) == shape
                   for name, shape in self.shapes.items())


def marks() -> dict[str, str]:
    """Return by source the name of an entry that all of its networks have."""
    return {source: next(theirs for theirs, ours in rename(presets(source)[0]).items()
                         if ours == _CLASSES[0]) for source, rename in SOURCES.items()}


def recognise(weights: Mapping[str, Tensor]) -> Layout | None:
    """
    Return the layout that has the most entries in common with the weights.

    Returns
    -------
    None if the weights belong to something else.

    Raises
    ------
    CheckpointError
        The weights are those of a backbone, or of a network that is like none here.

    """
    for source, key in marks().items():
        configs = presets(source)
        if key not in weights or not _has_instances(source, configs[0], weights):
            continue
        classes = weights[key].shape[0] if weights[key].ndim else 0
        layouts = [Layout.of(source, config, classes) for config in configs]
        best = max(layouts, key=lambda layout: (
            2 * layout.agreeing(weights) - len(layout.shapes)))
        share = best.agreeing(weights) / max(len(weights), len(best.shapes))
        if classes < 1 or share < 0.5:
            raise CheckpointError(
                f'the heads are those of {source}, but no network of this package is like the '
                f'rest: nearest is {best.config.name!r}, of whose {len(best.shapes)} entries '
                f'{best.agreeing(weights)} agree; expected one of '
                f'{", ".join(config.name for config in configs)}')
        return best
    _refuse_backbone(weights)
    return None


def _has_instances(source: str, config: NetworkConfig, weights: Mapping[str, Tensor]) -> bool:
    """Return whether a part knows instances; a Panoptic-FPN has none of that name."""
    part = next(theirs for theirs, ours in SOURCES[source](config).items()
                if ours.startswith('center.')).split('.')[0]
    return any(name.startswith(f'{part}.') for name in weights)


def presets(source: str) -> list[NetworkConfig]:
    """Return the networks of a source."""
    return [config for name, config in PRESETS.items() if name.endswith(f'-{source}')]


def _refuse_backbone(weights: Mapping[str, Tensor]) -> None:
    found = {name.removeprefix('backbone.') for name in weights}
    for source, rename in SOURCES.items():
        for config in presets(source):
            expected = {name.removeprefix('backbone.') for name in rename(config)
                        if name.startswith('backbone.') and not name.endswith(COUNTER)}
            if len(expected & found) > 0.9 * len(expected):
                raise CheckpointError(
                    f'it holds only the backbone of {config.name!r}, as networks trained on '
                    f'ImageNet do ({some(weights)}): expected a whole Panoptic-DeepLab')
