"""A network in training as an engine, so that it is measured as its export will be."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from . import families
from .metadata import metadata_of
from .trainer import Trainer


class LiveEngine:
    """
    The averaged weights of a training as they are at each call; see ``engine.Engine``.

    Parameters
    ----------
    trainer
        The training.
    size
        (height, width) of the input, one that the network takes.

    """

    def __init__(self, trainer: Trainer, size: tuple[int, int]) -> None:
        family = families.find(trainer.config.family)
        self._network, self._device = trainer.average.network, trainer.device
        self._names = family.outputs
        self.metadata = metadata_of(trainer.config, trainer.label_space, size,
                                    options=family.options(trainer.config, size))
        self.description = f'PyTorch on {trainer.device.type}'

    def __call__(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[Any]]:
        """Run the network; see ``engine.Engine``."""
        with torch.inference_mode():
            outputs = self._network(torch.from_numpy(images).to(self._device))
        return {name: output.float().cpu().contiguous().numpy()
                for name, output in zip(self._names, outputs, strict=True)}

    def close(self) -> None:
        """Do nothing: the network goes on training."""
