"""Finding the weights in a file, among averaged weights, optimizers and authors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from ..checkpoint import CheckpointError
from .arrays import PickledArray

_PARTS = ('model', 'state_dict', 'model_state_dict', 'module')
"""The parts of a file that may hold its weights."""

_AVERAGES = {'ema', 'swa', 'average', 'averaged', 'shadow'}
"""Words in the names of weights that were averaged over the training."""

_PREFIXES = ('module.', '_orig_mod.', 'model.')
"""Prefixes that parallel, compiled and wrapped modules give every name, even repeatedly."""

_COUNTER = 'n_averaged'
"""An entry that ``torch.optim.swa_utils.AveragedModel`` has beside its weights."""


@dataclass(frozen=True)
class Entries:
    """The weights that were chosen, and in words which weights they are."""

    place: str
    values: Mapping[str, object]

    @classmethod
    def of(cls, data: object, averaged: bool) -> Entries:
        """
        Find the weights in what a file holds.

        Parameters
        ----------
        data
            A dictionary of weights by name, perhaps as a part of another.
        averaged
            Whether to take the weights that were averaged over the training, not the last ones.

        Raises
        ------
        CheckpointError
            There are no such weights.

        """
        last, averages = _find(data)
        names = ' and '.join(name for name, _ in averages)
        if averaged and not averages:
            raise CheckpointError('it has no averaged weights, which --ema takes: '
                                  f'{_parts(data)}')
        if last is None and not averages:
            raise CheckpointError(
                f'it holds a {type(data).__name__} without weights: expected a dictionary of '
                'them by name, perhaps as its part '
                f'{" or ".join(repr(part) for part in _PARTS)}; {_parts(data)}')
        if averaged or last is None:
            (name, values), *others = averages
            place = f', its part {name}, averaged weights'
            if others:
                place += f', the first of {names}'
        else:
            name, values = last
            place = f', its part {name}' if name else ''
            if averages:
                place += f' (and not the averaged weights beside it, {names}: --ema takes them)'
        return cls(place, values).without_prefixes()

    def without_prefixes(self) -> Entries:
        """Return the entries by the names that they have in the network itself."""
        values = dict(self.values)
        if any(name.startswith(_PREFIXES) for name in values):
            values.pop(_COUNTER, None)
        stripped = ''
        while True:
            prefix = next((prefix for prefix in (*_PREFIXES, _own_average(values)) if prefix
                           and all(name.startswith(prefix) for name in values)), '')
            if not prefix:
                break
            values = {name[len(prefix):]: value for name, value in values.items()}
            stripped += prefix
        if not stripped:
            return self
        return replace(self, place=f'{self.place}, names without {stripped!r}', values=values)


Part = tuple[str, Mapping[str, object]]


def _find(data: object) -> tuple[Part | None, list[Part]]:
    """Return the last weights, with the name '' if they are no part, and the averaged ones."""
    if not isinstance(data, Mapping):
        return None, []
    parts = {name: weights for name, value in data.items() if isinstance(name, str)
             and (weights := _weights(value)) is not None}
    averages = [(repr(name), weights) for name, weights in parts.items() if _is_average(name)]
    last: Part | None = next(((repr(name), parts[name]) for name in _PARTS if name in parts), None)
    if last is None and (weights := _own_weights(data)):
        last = '', weights
    if last is not None:                # both kinds are in one dictionary
        name, weights = last
        own = {key for key in weights if _is_average(key.split('.')[0])}
        averaged = {key: weights[key] for key in weights if key in own and _is_array(weights[key])}
        if averaged:
            averages.append((repr(f'{next(iter(averaged)).split(".")[0]}.*'), averaged))
        weights = {key: value for key, value in weights.items() if key not in own}
        last = (name, weights) if weights else None
    return last, averages


def _weights(value: object) -> Mapping[str, object] | None:
    """Return the weights that a part holds, perhaps as a part of its own."""
    for candidate in (value, *((value.get(part) for part in (*_PARTS, 'state'))
                               if isinstance(value, Mapping) else ())):
        if weights := _own_weights(candidate):
            return weights
    return None


def _own_weights(data: object) -> Mapping[str, object] | None:
    """Return a dictionary in which at least one entry is an array, and all names are texts."""
    if not isinstance(data, Mapping) or not any(map(_is_array, data.values())):
        return None
    wrong = next((name for name in data if not isinstance(name, str)), None)
    if wrong is not None:
        raise CheckpointError(f'a weight is named by a {type(wrong).__name__}: expected a text')
    return data


def _is_array(value: object) -> bool:
    return isinstance(value, (Tensor, PickledArray))


def _is_average(name: str) -> bool:
    return not _AVERAGES.isdisjoint(
        word.lower() for word in re.findall('[A-Z]?[a-z]+|[A-Z]+', name[:200]))


def _own_average(values: Mapping[str, object]) -> str:
    """Return the prefix of a name, with its dot, if it is a prefix of averaged weights."""
    first, dot, _ = next(iter(values), '').partition('.')
    return first + dot if dot and _is_average(first) else ''


def _parts(data: object) -> str:
    if not isinstance(data, Mapping):
        return f'it is a {type(data).__name__}'
    names = [f'{name:.60}' for name in data if isinstance(name, str)]
    return f'its parts are {", ".join(names[:8])}{", ..." if len(names) > 8 else ""}' \
        if names else 'it has no parts'
