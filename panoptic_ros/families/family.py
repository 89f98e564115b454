"""The interface of a family of networks, which the rest of the package relies on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from ..labels import LabelSpace
from ..panoptic import Panoptic
from ..tensors import Outputs

if TYPE_CHECKING:
    from ..device import Device, DeviceArray, Module


class Model(Protocol):
    """The part of a model's metadata that a family gets."""

    @property
    def label_space(self) -> LabelSpace:
        """The classes that the network tells apart."""

    @property
    def input_size(self) -> tuple[int, int]:
        """The network's input (height, width) in pixels."""

    @property
    def fit(self) -> str:
        """How an image is brought to that size; see ``segments.grid.filled``."""

    @property
    def layout(self) -> Mapping[str, Any]:
        """The metadata of the model's file that only the family understands."""


class Decoder(Protocol):
    """Turns the outputs for one image into its segments, on the processor."""

    def __call__(self, outputs: Mapping[str, npt.NDArray[Any]], size: tuple[int, int],
                 options: Any, confidence: bool = False) -> Panoptic:
        """
        Decode the outputs for one image.

        Parameters
        ----------
        outputs
            The network's outputs for the image, by name, without the batch.
        size
            (height, width) of the label image in pixels.
        options
            Options of the family, an instance of ``Family.options``.
        confidence
            Whether to compute ``Panoptic.confidence`` as well.

        """
        ...


class DeviceDecoder(Protocol):
    """Decodes a batch in device memory; each decoder is made for images of certain sizes."""

    options: Any
    """The options for the next images."""

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""

    def serves(self, options: Any) -> bool:
        """Return whether the memory is enough for other options."""
        ...

    def change_options(self, options: Any) -> None:
        """Use other options from the next images on; captured graphs stay valid."""

    def enqueue(self) -> None:
        """Enqueue the decoding of the network's outputs; a graph can capture it."""

    def enqueue_download(self) -> None:
        """Enqueue the copy of the results to the host; a graph can capture it."""

    def result(self, image: int) -> Panoptic:
        """Return the result of one image; the device must be synchronised before."""
        ...

    def close(self) -> None:
        """Release the memory, on the device and on the host."""


class Family(Protocol):
    """Networks that share their outputs and their decoder."""

    name: str
    """The family's name in metadata and parameters."""
    options: type[Any]
    """Dataclass of the decoder's options; the ``plain_data.Help`` of a field explains it."""
    kernels: Path
    """
    Folder of ``kernels.cu``, the CUDA sources of ``device_decoder``.

    The sources may include those in ``segments/kernels``.  They must have ``resize_images`` of
    ``resizing.cuh``, because the pipeline makes the network's input with it.
    """

    def outputs(self, model: Model) -> Outputs:
        """
        Return the tensors that the network has to put out.

        Raises
        ------
        ValueError
            The model's layout is not one of this family's.

        """
        ...

    def decoder(self, model: Model, method: str = 'cpu') -> Decoder:
        """
        Return a decoder for the processor; ``method`` is 'cpu' or 'reference'.

        Raises
        ------
        ValueError
            There is no such method.
        ImportError
            The method needs a library that is not installed.

        """
        ...

    def warm_up(self, method: str = 'cpu') -> None:
        """Load and compile what a method needs, so that no frame has to wait for that."""

    def check(self, panoptic: Panoptic, outputs: Mapping[str, npt.NDArray[Any]]) -> None:
        """
        Refuse a result of outputs that mean nothing, which would look like any other result.

        Parameters
        ----------
        panoptic
            What a decoder made of the outputs.
        outputs
            The outputs for the image, by name, without the batch.  They may have to be copied from
            a device when they are looked up, so a family looks at none without a reason.

        Raises
        ------
        OutputError
            They mean nothing.

        """

    def device_decoder(self, device: Device, kernels: Module,
                       outputs: Mapping[str, DeviceArray], model: Model,
                       sizes: Sequence[tuple[int, int]], options: Any,
                       confidence: bool = False) -> DeviceDecoder:
        """
        Return a decoder for a batch of outputs that the network writes to device memory.

        Parameters
        ----------
        device, kernels
            The GPU, opened by this thread, and ``Family.kernels`` compiled for it.
        outputs
            The memory that the network writes, by name, each with the batch in front.
        model
            The model.
        sizes
            (height, width) of each image's labels, at most as many as the batch.
        options
            Options of the family, an instance of ``Family.options``.
        confidence
            Whether to compute ``Panoptic.confidence`` as well.

        Raises
        ------
        DeviceError
            The device has not enough memory.

        """
        ...
