"""Labels of one label space in another that tells less apart."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace


@lru_cache(maxsize=16)
def translation(source: LabelSpace, target: LabelSpace) -> npt.NDArray[np.uint16]:
    """
    Return what each label of ``source`` is in ``target``, (65536,) uint16, read-only.

    Classes keep their names.  The things of a class that is stuff in the target become one
    segment, as DeepLab2 has them in KITTI-STEP, and classes that the target lacks are unlabelled,
    as the evaluation of KITTI-360 takes buses and trains.  So a model of Cityscapes' classes is
    measured where the truth tells less apart, and no class of the target is out of its reach.

    Raises
    ------
    ValueError
        The target has classes that the source lacks or orders otherwise, things of what is stuff
        in the source, or another divisor.

    """
    shared = [name for name in source.names if name in target.names]
    if tuple(shared) != target.names or source.label_divisor != target.label_divisor:
        raise ValueError(f'label space {source.name!r} does not say what {target.name!r} tells '
                         'apart: expected all of its classes, in its order, and its '
                         f'label_divisor, {target.label_divisor}')
    divisor = source.label_divisor
    table = np.full(UNLABELED + 1, UNLABELED, np.uint16)
    for new, name in enumerate(target.names):
        old = source.names.index(name)
        if target.is_thing[new] and not source.is_thing[old]:
            raise ValueError(f'{name!r} is stuff in label space {source.name!r}, and in '
                             f'{target.name!r} a thing: such predictions can never be true')
        instances = np.arange(divisor) if target.is_thing[new] else 0
        table[old * divisor:(old + 1) * divisor] = new * divisor + instances
    table.setflags(write=False)
    return table


def losses(source: LabelSpace, target: LabelSpace) -> str:
    """Say in words what ``translation`` takes from labels; nothing where it takes nothing."""
    lost = [name for name in source.names if name not in target.names]
    merged = [name for name, is_thing in zip(target.names, target.is_thing, strict=True)
              if source.is_thing[source.names.index(name)] and not is_thing]
    return '; '.join(f'{", ".join(names)} {fate}' for names, fate in (
        (merged, 'as stuff'), (lost, 'as unlabelled')) if names)
