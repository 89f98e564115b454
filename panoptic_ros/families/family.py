"""What a family of networks owes to the rest of the house."""

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
    """What a family is told of a model: a part of its metadata."""

    @property
    def label_space(self) -> LabelSpace:
        """The classes that the network tells apart."""

    @property
    def input_size(self) -> tuple[int, int]:
        """The network's input (height, width) in pixels."""

    @property
    def layout(self) -> Mapping[str, Any]:
        """What only the family understands, as the model's file says it."""


class Decoder(Protocol):
    """Turns the outputs for one image into its segments, on the processor."""

    def __call__(self, outputs: Mapping[str, npt.NDArray[Any]], size: tuple[int, int],
                 options: Any, confidence: bool = False) -> Panoptic:
        """
        Decode.

        Parameters
        ----------
        outputs
            What the network put out for the image, by name, without the batch.
        size
            (height, width) of the label image in pixels.
        options
            Of the family's class.
        confidence
            Whether to compute ``Panoptic.confidence`` as well.

        """
        ...


class DeviceDecoder(Protocol):
    """Decodes a batch in device memory; made once for images of certain sizes."""

    options: Any
    """Those that the next images are decoded with."""

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""

    def serves(self, options: Any) -> bool:
        """Tell whether the memory is enough for other options."""
        ...

    def change_options(self, options: Any) -> None:
        """Take other options from the next images on; captured graphs stay valid."""

    def enqueue(self) -> None:
        """Decode what the network put out; asynchronous, can be captured."""

    def enqueue_download(self) -> None:
        """Bring the results to the host; asynchronous, can be captured."""

    def result(self, image: int) -> Panoptic:
        """Return the result of one image, once the device has been synchronised."""
        ...

    def close(self) -> None:
        """Release the memory, on the device and on the host."""


class Family(Protocol):
    """Networks that share what they put out, and how that becomes segments."""

    name: str
    """As models and parameters call it."""
    options: type[Any]
    """Dataclass of the decoder's options; ``plain_data.Help`` says what each means."""
    kernels: Path
    """
    Folder of ``kernels.cu``, the CUDA sources of ``device_decoder``.

    It may include those in ``segments/kernels``, and has ``resize_images`` of ``resizing.cuh``,
    with which the pipeline makes the network's input.
    """

    def outputs(self, model: Model) -> Outputs:
        """
        Return what the network has to put out.

        Raises
        ------
        ValueError
            The model's layout is none of this family.

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
        """Load and compile what a method needs, so that no frame waits for it."""

    def device_decoder(self, device: Device, kernels: Module,
                       outputs: Mapping[str, DeviceArray], model: Model,
                       sizes: Sequence[tuple[int, int]], options: Any,
                       confidence: bool = False) -> DeviceDecoder:
        """
        Return a decoder of a batch that the network writes to device memory.

        Parameters
        ----------
        device, kernels
            The GPU, opened by this thread, and ``Family.kernels`` compiled for it.
        outputs
            Where the network writes, by name, each with the batch in front.
        model
            The model.
        sizes
            (height, width) of each image's labels, at most as many as the batch.
        options
            Of the family's class.
        confidence
            Whether to compute ``Panoptic.confidence`` as well.

        Raises
        ------
        DeviceError
            The device has not enough memory.

        """
        ...
