"""Starting from the weights of a network for other classes: what can be kept is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..labels import LabelSpace
from .checkpoint import Checkpoint, CheckpointError

Weights = Mapping[str, Tensor]

_SHOWN = 6
"""Classes that a line names."""


@dataclass(frozen=True)
class Kept:
    """What a network has of another one's weights."""

    kept: tuple[str, ...]
    """Names of the classes that both tell apart, whose rows of the last layer are kept."""
    new: tuple[str, ...]
    """Names of the other classes of the network, whose rows are as they were."""
    left: tuple[str, ...]
    """Names of the other network's classes that are not needed."""

    def __str__(self) -> str:
        count = len(self.kept) + len(self.new)
        return ('kept: backbone and decoders whole, of the last layer the rows of '
                f'{len(self.kept)} of {count} classes, by name; new: {_listed(self.new)}; not '
                f'needed: {_listed(self.left)}')


def carried_over(checkpoint: Checkpoint, ours: Weights, label_space: LabelSpace,
                 class_layers: Sequence[str], network: str) -> tuple[dict[str, Tensor], Kept]:
    """
    Return the weights with which a network starts from a checkpoint, and what was kept.

    Everything is kept but for the layers with a row for each class: their rows go by the classes'
    names.  Rows behind those of the classes, such as that of no object, are kept, too.

    Parameters
    ----------
    checkpoint
        The weights, and the classes that they are for.
    ours
        The network's weights as they are, for the classes that are new.
    label_space
        The network's classes.
    class_layers
        Names of the layers whose rows are classes.
    network
        The network's name, for the error.

    Raises
    ------
    CheckpointError
        The checkpoint is of a network of another shape.

    """
    theirs, space = checkpoint.weights, checkpoint.label_space
    of_classes = {f'{layer}.{part}' for layer in class_layers for part in ('weight', 'bias')}
    for name in (*ours, *theirs):
        if _shape(name, ours, label_space, of_classes) != _shape(name, theirs, space, of_classes):
            raise CheckpointError(
                f'the checkpoint is of network {checkpoint.config.name!r} for {len(space)} '
                f'classes, this training of {network!r} for {len(label_space)}: {name} is '
                f'{_size(theirs.get(name))} there and {_size(ours.get(name))} here; start from a '
                'checkpoint of the same network')
    row_of = {name: row for row, name in enumerate(space.names)}
    known = [(row, row_of[name]) for row, name in enumerate(label_space.names) if name in row_of]
    weights = dict(theirs)
    for name in of_classes & ours.keys():
        value = ours[name].detach().cpu().clone()
        for row, source in known:
            value[row] = theirs[name][source]
        value[len(label_space):] = theirs[name][len(space):]
        weights[name] = value
    names = set(label_space.names)
    return weights, Kept(tuple(name for name in label_space.names if name in row_of),
                         tuple(name for name in label_space.names if name not in row_of),
                         tuple(name for name in space.names if name not in names))


def _shape(name: str, weights: Weights, label_space: LabelSpace,
           of_classes: set[str]) -> tuple[int, ...] | None:
    """Return a weight's shape, without its rows for classes; None if there is none."""
    if name not in weights:
        return None
    shape = tuple(weights[name].shape)
    return (shape[0] - len(label_space), *shape[1:]) if name in of_classes else shape


def _size(weight: Tensor | None) -> str:
    return 'missing' if weight is None else str(tuple(weight.shape))


def _listed(names: Sequence[str]) -> str:
    if not names:
        return 'none'
    more = len(names) - _SHOWN
    return ', '.join(names[:_SHOWN]) + (f' and {more} more' if more > 0 else '')
