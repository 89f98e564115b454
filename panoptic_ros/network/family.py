"""The interface of a family's networks, which training, checkpoints and export rely on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from ..labels import LabelSpace

if TYPE_CHECKING:
    from .checkpoint import Checkpoint
    from .importing.comparison import Comparison
    from .importing.reading import SourceFile

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


class ImportOptions(NamedTuple):
    """What a user may say of a foreign checkpoint that the file does not."""

    allowed: tuple[str, ...] = ()
    """Names, or patterns with ``*`` and ``?``, of entries that may be left over."""
    output_stride: int | None = None
    """Output stride of a DeepLab's training; None for the published one."""
    crop: tuple[int, int] | None = None
    """(height, width) of its crops; None for the published ones."""


class Conversion(Protocol):
    """A foreign checkpoint that was recognised, and how its entries compare."""

    @property
    def source(self) -> SourceFile:
        """The weights as their source names them."""

    @property
    def origin(self) -> str:
        """Name of the code that wrote the file."""

    @property
    def config(self) -> Configuration:
        """The network."""

    @property
    def classes(self) -> int:
        """Number of classes."""

    @property
    def comparison(self) -> Comparison:
        """The entries, compared with those of the network."""

    def described(self) -> list[str]:
        """Return in a few lines which network it is, and how it was recognised."""
        ...

    def label_space(self, given: LabelSpace | None = None) -> LabelSpace:
        """
        Return the given label space, or the one that the file tells.

        Raises
        ------
        ValueError
            It is not that of the network, or nothing tells it.

        """
        ...

    def checkpoint(self, labels: LabelSpace) -> Checkpoint:
        """
        Return the network with the file's weights, to export or to train on.

        Raises
        ------
        CheckpointError
            The comparison is not complete, or a value is no number that a network can have.

        """
        ...

    def export_arguments(self, labels: LabelSpace) -> str:
        """Return the arguments of ``export`` with which the source evaluates the network."""
        ...


class NetworkFamily(Protocol):
    """Networks that share their outputs; ``families.NAME.family.FAMILY`` is one."""

    outputs: tuple[str, ...]
    """
    Names of the tensors that a network returns in evaluation mode.

    They are those that ``panoptic_ros.families`` reads.
    """
    thresholds: bool
    """Whether the networks compare values with thresholds inside, so that rounding may show."""
    exporter: str
    """PyTorch's way to ONNX that suits the networks: 'dynamo', or 'torchscript', the older one."""

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

    def suited(self, config: Any, labels: LabelSpace) -> Any:
        """
        Return the configuration with which a network is trained for a label space.

        It is the given one, unless that says something of the classes.

        Raises
        ------
        ValueError
            There is no such network.

        """
        ...

    def class_rows(self, labels: LabelSpace) -> Mapping[str, Sequence[str]]:
        """
        Return the layers of a trained network whose rows are of classes, by name.

        The values are the names of the classes in the order of their rows, and
        ``carrying.OTHER`` for a row that is the same for all label spaces.  A class may have
        several rows, one after the other, if all of the layer have as many.
        """
        ...

    def looked_for(self) -> list[str]:
        """Return in words by which entries foreign checkpoints of the family are recognised."""
        ...

    def conversion(self, source: SourceFile | Path, options: ImportOptions) -> Conversion | None:
        """
        Recognise a foreign checkpoint.

        Parameters
        ----------
        source
            The weights of a file, or a folder.
        options
            What the user says of it.

        Returns
        -------
        None if it is of another family.

        Raises
        ------
        CheckpointError, ValueError
            It is of this family, but of no network of this package, or it does not go with what
            the user says.

        """
        ...

    def exported(self, network: nn.Module, size: tuple[int, int]) -> nn.Module:
        """
        Return a module with the same outputs that can be traced; often the network itself.

        If its operators stand for ONNX functions, its attribute ``functions`` holds them.

        Parameters
        ----------
        network
            The network, in evaluation mode.
        size
            (height, width) of its input.

        """
        ...

    def in_order(self, outputs: Sequence[npt.NDArray[Any]],
                 expected: Sequence[npt.NDArray[Any]]) -> Sequence[npt.NDArray[Any]]:
        """
        Return outputs as they compare with others of the same images.

        Rounding may swap rows of a network that sorts them.  Other families return the outputs.
        """
        ...

    def fitting(self, config: Any) -> tuple[str, tuple[int, ...]]:
        """Return how images are brought to the input: ``ModelMetadata.fit`` and ``padding``."""
        ...

    def options(self, config: Any, size: tuple[int, int]) -> dict[str, Any]:
        """Return options of the decoder that suit the network's input (height, width)."""
        ...

    def layout(self, config: Any, size: tuple[int, int]) -> dict[str, Any]:
        """Return the metadata that only the family understands, for an input (height, width)."""
        ...

    def targets(self, recipe: Any) -> TargetOptions:
        """Return what a recipe of this family shows the networks."""
        ...

    def criterion(self, recipe: Any) -> Criterion:
        """Return the losses of a recipe of this family."""
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
