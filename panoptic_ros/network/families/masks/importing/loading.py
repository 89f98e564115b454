"""Giving a network of ``transformers`` the weights of a file, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ....checkpoint import CheckpointError, check_size
from ..config import MasksConfig
from ..model import blueprint
from ..optional import load_transformers


@dataclass(frozen=True)
class Loaded:
    """A network with weights of a file; the names are those of ``transformers``."""

    model: nn.Module
    missing: tuple[str, ...]
    left_over: tuple[str, ...]
    mismatched: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    """The shape found, and the one expected."""


def load(config: MasksConfig, classes: int, weights: Mapping[str, Tensor]) -> Loaded:
    """
    Build a network and give it weights by the names of any version of ``transformers``.

    The library renames entries of its older versions.  It gets the weights and the configuration
    as values, so it opens no file and reaches no network.

    Raises
    ------
    LibraryError
        The library is not installed.
    CheckpointError
        The library refuses the weights or the settings.

    """
    load_transformers()
    try:
        kind, settings = blueprint(config, classes)
        check_size(lambda: kind(settings), weights)
        model, report = kind.from_pretrained(
            None, config=settings, state_dict=dict(weights), dtype=torch.float32,
            output_loading_info=True, ignore_mismatched_sizes=True, local_files_only=True)
    except CheckpointError:
        raise
    except Exception as error:      # the library's checks of settings raise errors of their own
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise CheckpointError(f'transformers refuses the network: {reason:.300}') from error
    return Loaded(model.eval(), tuple(sorted(report['missing_keys'])),
                  tuple(sorted(report['unexpected_keys'])),
                  {name: (tuple(found), tuple(expected))
                   for name, found, expected in report['mismatched_keys']})
