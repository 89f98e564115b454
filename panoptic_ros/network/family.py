"""The interface of a family's networks, which training, checkpoints and export rely on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from ..labels import LabelSpace

Gather = Callable[[Tensor], Tensor]
"""Joins the values of the processes that share a batch along the first axis."""


class Configuration(Protocol):
    """The shape of a network: a dataclass of plain data, equal if the networks are."""

    family: ClassVar[str]
    """Name of the family."""

    @property
    def name(self) -> str:
        """Name of the network's variant."""

    def check_size(self, size: tuple[int, int], padded: bool = False) -> None:
        """
        Check that the network takes images of a size (height, width).

        With ``padded``, sizes are accepted that the network itself pads.

        Raises
        ------
        ValueError
            The network does not take the size; the message names one that it takes.

        """

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain data."""
        ...


class NetworkFamily(Protocol):
    """Networks that share their outputs; ``families.NAME.family.FAMILY`` is one."""

    outputs: tuple[str, ...]
    """
    Names of the tensors that a network returns in evaluation mode.

    They are those that ``panoptic_ros.families`` reads.
    """

    def configuration(self, data: Mapping[str, Any]) -> Configuration:
        """
        Return the configuration whose plain data these are.

        Raises
        ------
        KeyError, TypeError, ValueError
            The data are not those of a network of this family.

        """
        ...

    def network(self, config: Any, classes: int) -> nn.Module:
        """
        Return a network with random weights for a label space of so many classes.

        It takes images, uint8 [N, H, W, 3] BGR, and returns a tuple of tensors, which are
        ``outputs`` in evaluation mode.  In training mode it returns what the ``Criterion`` of
        its family takes.
        """
        ...

    def exported(self, network: nn.Module) -> nn.Module:
        """Return a module with the same outputs that can be traced; often the network itself."""
        ...

    def options(self, config: Any, size: tuple[int, int]) -> dict[str, Any]:
        """Return options of the decoder that suit the network's input (height, width)."""
        ...

    def layout(self, config: Any, size: tuple[int, int]) -> dict[str, Any]:
        """Return the metadata that only the family understands, for an input (height, width)."""
        ...


class TargetOptions(Protocol):
    """What a training shows a network beside an image: a dataclass of plain data."""

    def make(self, labels: npt.NDArray[np.uint16], label_space: LabelSpace,
             random: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """
        Make the targets of one crop; the shapes depend on the crop's size only.

        Parameters
        ----------
        labels
            (H, W) panoptic labels, unlabelled outside the frame.
        label_space
            What they mean.
        random
            The crop's random numbers.

        """
        ...


class Criterion(Protocol):
    """The losses of a network: a dataclass of plain data."""

    def losses(self, config: Any, outputs: Any, batch: Mapping[str, Tensor], progress: float,
               gather: Gather) -> Mapping[str, Tensor]:
        """
        Compare outputs and targets.

        Parameters
        ----------
        config
            The network's configuration.
        outputs
            What the network returned in training mode.
        batch
            The targets of all crops, each with the crops in front.
        progress
            The share of the training that is done, from 0 to 1.
        gather
            Joins the values of the processes that share the batch.

        Returns
        -------
        The weighted losses by name, each a scalar, and ``total``, which is their sum.

        """
        ...
