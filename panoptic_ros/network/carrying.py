"""Starting from the weights of a network for other classes: what can be kept is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..labels import LabelSpace
from .checkpoint import Checkpoint, CheckpointError

Weights = Mapping[str, Tensor]
ClassRows = Callable[[LabelSpace], Mapping[str, Sequence[str]]]
"""Names the rows of layers; see ``NetworkFamily.class_rows``."""

OTHER = ''
"""The name of a row that is of no class of the label space, such as that of no object."""

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
                 class_rows: ClassRows, network: str) -> tuple[dict[str, Tensor], Kept]:
    """
    Return the weights with which a network starts from a checkpoint, and what was kept.

    Everything is kept but for the layers with rows for each class: their rows go by the classes'
    names.

    Parameters
    ----------
    checkpoint
        The weights, and the classes that they are for.
    ours
        The network's weights as they are, for the classes that are new.
    label_space
        The network's classes.
    class_rows
        Names the rows of the layers whose rows are classes.
    network
        The network's name, for the error.

    Raises
    ------
    CheckpointError
        The checkpoint is of a network of another shape.

    """
    theirs, space = checkpoint.weights, checkpoint.label_space
    our_rows, their_rows = (
        {f'{layer}.{part}': list(rows) for layer, rows in class_rows(of).items()
         for part in ('weight', 'bias')} for of in (label_space, space))
    for name in (*ours, *theirs):
        if _shape(name, ours, our_rows) != _shape(name, theirs, their_rows):
            raise CheckpointError(
                f'the checkpoint is of network {checkpoint.config.name!r} for {len(space)} '
                f'classes, this training of {network!r} for {len(label_space)}: {name} is '
                f'{_size(theirs.get(name))} there and {_size(ours.get(name))} here; start from a '
                'checkpoint of the same network')
    weights = dict(theirs)
    found: set[str] = set()
    for name in our_rows.keys() & ours.keys():
        value = ours[name].detach().cpu().clone(memory_format=torch.contiguous_format)
        to, source = (tensor.view(len(rows[name]), -1) for tensor, rows in
                      ((value, our_rows), (theirs[name].contiguous(), their_rows)))
        for row, class_name in enumerate(our_rows[name]):
            if class_name in their_rows[name]:
                to[row] = source[their_rows[name].index(class_name)]
                found.add(class_name)
        weights[name] = value
    return weights, Kept(tuple(name for name in label_space.names if name in found),
                         tuple(name for name in label_space.names if name not in found),
                         tuple(name for name in space.names if name not in found))


def _shape(name: str, weights: Weights, rows: Mapping[str, Sequence[str]]
           ) -> tuple[float, ...] | None:
    """Return a weight's shape, with the rows of one class alone; None if there is none."""
    if name not in weights:
        return None
    shape = tuple(weights[name].shape)
    return (shape[0] / len(rows[name]), *shape[1:]) if name in rows else shape


def _size(weight: Tensor | None) -> str:
    return 'missing' if weight is None else str(tuple(weight.shape))


def _listed(names: Sequence[str]) -> str:
    if not names:
        return 'none'
    more = len(names) - _SHOWN
    return ', '.join(names[:_SHOWN]) + (f' and {more} more' if more > 0 else '')
