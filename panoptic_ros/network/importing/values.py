"""Finding values that no network has in its weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..checkpoint import CheckpointError

_VARIANCE = 'running_var'


def refuse_impossible(weights: Mapping[str, Tensor]) -> None:
    """
    Check every value.

    Parameters
    ----------
    weights
        The weights by our names or by the source's; the names of variances end alike in both.

    Raises
    ------
    CheckpointError
        A value is NaN or infinite, or a variance is negative; the message names the entries.

    """
    wrong = []
    for name, value in weights.items():
        bad = int((~torch.isfinite(value)).sum())
        if bad:
            wrong.append(f'{name}: {bad} of {value.numel()} values are NaN or infinite')
        elif name.endswith(_VARIANCE) and bool((value < 0).any()):
            wrong.append(f'{name}: {int((value < 0).sum())} of {value.numel()} variances are '
                         'negative')
    if wrong:
        more = f'; and {len(wrong) - 3} more' if len(wrong) > 3 else ''
        raise CheckpointError('the weights are those of no network that works: '
                              f'{"; ".join(wrong[:3])}{more}. Take an earlier checkpoint')
