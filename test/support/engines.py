"""Networks on the processor, opened as the product opens them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from panoptic_ros.engine import Engine, OnnxEngine
from panoptic_ros.engine.onnx_file import OnnxFile
from panoptic_ros.families import deeplab
from panoptic_ros.pipelines.contract import contract


def load(path: str | Path, threads: int = 0) -> OnnxEngine:
    return OnnxEngine(path, contract, threads)


def read(path: str | Path) -> OnnxFile:
    return OnnxFile.read(path, contract)


def heads(engine: Engine, images: npt.NDArray[np.uint8]) -> list[deeplab.Heads]:
    """Return the heads of each image, uint8 [N, H, W, 3]."""
    outputs, grid = engine(images), deeplab.grid_of(engine.metadata)
    return [deeplab.heads_of({name: tensor[n] for name, tensor in outputs.items()}, grid)
            for n in range(len(images))]
