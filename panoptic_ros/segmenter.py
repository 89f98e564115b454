"""From a camera image to its panoptic label image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from . import engine as engines
from .engine import Engine, ModelError, ModelMetadata
from .engine.fitting import check_image
from .families import deeplab
from .labels import LabelSpace
from .panoptic import Panoptic
from .pipelines.cpu import CpuPipeline

STAGES = CpuPipeline.stages
"""What a call on the processor consists of; those on a GPU are ``CudaPipeline.stages``."""

PICTURES = frozenset({'confidence', 'semantic', 'instance', 'overlay'})
"""What can be asked for beside labels and segments."""


@runtime_checkable
class Pipeline(Protocol):
    """What turns images into results, on one kind of device."""

    metadata: ModelMetadata
    description: str
    batch: int
    """Images that are served together; more are served in turns."""

    @property
    def stages(self) -> tuple[str, ...]:
        """What a call consists of, in order."""

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]], options: deeplab.Options,
                 pictures: frozenset[str], opacity: float,
                 times: dict[str, float] | None = None) -> list[Panoptic]:
        """Segment images."""
        ...

    def warm_up(self) -> None:
        """Compile what is compiled on its first use."""

    def close(self) -> None:
        """Release everything."""


class Segmenter:
    """
    Image in, ``Panoptic`` out.

    It serves one thread at a time; on a GPU always the one that opened it, which also closes it.

    Parameters
    ----------
    engine
        A loaded network, or a whole pipeline.
    options
        Thresholds of the grouping; by default those that the model asks for.  They may be
        assigned between calls.
    method
        How pixels are grouped after an engine on the processor: 'cpu' or 'reference'.

    """

    def __init__(self, engine: Engine | Pipeline, options: deeplab.Options | None = None,
                 method: str = 'cpu') -> None:
        self._pipeline: Pipeline = (engine if isinstance(engine, Pipeline)
                                    else CpuPipeline(engine, method))
        try:
            self.options = options or deeplab.Options.recommended(engine.metadata.grouping)
        except ValueError as error:
            self._pipeline.close()
            raise ModelError(f'the model recommends a grouping that there is not: {error}; export '
                             'it again') from error

    @classmethod
    def open(cls, path: str | Path, options: deeplab.Options | None = None,
             threads: int = 0, method: str = 'cpu', gpu: int = 0) -> Segmenter:
        """
        Open a model file.

        Parameters
        ----------
        path
            The file: ``.onnx`` runs on the CPU, ``.plan`` on a GPU.
        options, method
            As for ``Segmenter``.
        threads
            Threads of the network on the CPU; 0 leaves it to the runtime.
        gpu
            Number of the GPU.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ModelError
            The file is not a model, lacks a part of the engine contract, or is a plan for another
            GPU.
        ImportError
            The runtime for that kind of file is not installed.
        DeviceError
            There is no GPU, or it fails.

        """
        if Path(path).suffix == '.plan':
            from .pipelines.opening import open_plan
            return cls._of(path, open_plan(Path(path), gpu), options)
        return cls._of(path, engines.load(path, threads), options, method)

    @classmethod
    def open_on_gpu(cls, path: str | Path, options: deeplab.Options | None = None,
                    precision: str = 'fp16', batch: int = 1, gpu: int = 0,
                    log: Callable[[str], None] = print, **build: Any) -> Segmenter:
        """
        Open an ONNX model on a GPU: its plan is found in the cache, or built, which takes minutes.

        Parameters
        ----------
        path
            The ``.onnx`` file.
        options
            As for ``Segmenter``.
        precision
            'fp32', 'fp16' or 'int8'; the last needs ``calibration`` unless a plan is there.
        batch
            Most images at once.
        gpu
            Number of the GPU.
        log
            Receives one line when a plan is built, which says why.
        build
            ``folder`` of the cache; ``calibration``, ``progress`` and ``cancelled`` as for
            ``engine.build.build_engine``.

        Raises
        ------
        BuildCancelled, BuildError
            The build was cancelled, or failed.
        FileNotFoundError, ModelError, ImportError, DeviceError
            As ``open`` does.

        """
        from .pipelines.opening import find_or_build
        return cls._of(path, find_or_build(Path(path), precision, batch, gpu, log, **build),
                       options)

    @classmethod
    def _of(cls, path: str | Path, engine: Engine | Pipeline, options: deeplab.Options | None,
            method: str = 'cpu') -> Segmenter:
        try:
            return cls(engine, options, method)
        except ModelError as error:
            raise ModelError(f'{path}: {error}') from error

    @property
    def metadata(self) -> ModelMetadata:
        """What the model says about itself."""
        return self._pipeline.metadata

    @property
    def label_space(self) -> LabelSpace:
        """The classes that the model knows."""
        return self._pipeline.metadata.label_space

    @property
    def description(self) -> str:
        """The runtime and device that execute the network, for people."""
        return self._pipeline.description

    @property
    def about(self) -> dict[str, str]:
        """Of the engine: ``GPU``, ``precision``, and when it was ``built`` (ISO 8601)."""
        return dict(getattr(self._pipeline, 'about', {}))

    def gpu_memory(self) -> tuple[int, int] | None:
        """Return the free and total bytes of the GPU's memory; None on a processor."""
        memory = getattr(self._pipeline, 'memory', None)
        return None if memory is None else memory()

    @property
    def stages(self) -> tuple[str, ...]:
        """What a call consists of, in order."""
        return self._pipeline.stages

    @property
    def batch(self) -> int:
        """How many images it is best given at once."""
        return self._pipeline.batch

    def __call__(self, image: npt.NDArray[np.uint8], confidence: bool = False,
                 times: dict[str, float] | None = None,
                 pictures: frozenset[str] = frozenset(), opacity: float = 0.5) -> Panoptic:
        """
        Segment one image.

        Parameters
        ----------
        image
            (H, W, 3) uint8, BGR, of any size; the result has the same size.
        confidence
            Also compute ``Panoptic.confidence``.
        times
            Receives the seconds that each of ``stages`` took.
        pictures, opacity
            As for ``segment``.

        Raises
        ------
        ValueError
            The image is not as above.
        DeviceError
            The GPU fails.

        """
        wanted = pictures | {'confidence'} if confidence else pictures
        return self.segment([image], wanted, opacity, times)[0]

    def segment(self, images: Sequence[npt.NDArray[np.uint8]],
                pictures: frozenset[str] = frozenset(), opacity: float = 0.5,
                times: dict[str, float] | None = None) -> list[Panoptic]:
        """
        Segment several images, each of a size of its own; a GPU takes them together.

        Parameters
        ----------
        images
            As for a call with one.
        pictures
            Those of ``PICTURES`` that a GPU is to make along with the labels.
        opacity
            Weight of the colours of an overlay.
        times
            Receives the seconds that each of ``stages`` took for all of them.

        Raises
        ------
        ValueError
            An image is not as above, or there is no such picture.
        DeviceError
            The GPU fails.

        """
        for image in images:
            check_image(image)
        if not pictures <= PICTURES:
            raise ValueError(f'no pictures {sorted(pictures - PICTURES)}: expected some of '
                             f'{sorted(PICTURES)}')
        return self._pipeline(images, self.options, pictures, opacity, times)

    def warm_up(self, size: tuple[int, int] = (480, 640)) -> None:
        """Compile, and segment a black image of (height, width), so that no frame waits for it."""
        self._pipeline.warm_up()
        for _ in range(2):      # a GPU records its work the second time
            self(np.zeros((*size, 3), np.uint8))

    def close(self) -> None:
        """Release the network; the segmenter cannot be called afterwards."""
        self._pipeline.close()
