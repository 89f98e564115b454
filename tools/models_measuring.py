"""Exporting, converting, running and building one network, for docs/models.md."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from panoptic_ros.engine import OnnxEngine
from panoptic_ros.engine.build import build_plan
from panoptic_ros.engine.build_options import BuildOptions
from panoptic_ros.engine.metadata import ModelError
from panoptic_ros.engine.onnx_file import OnnxFile, parse_onnx
from panoptic_ros.engine.precision import convert
from panoptic_ros.labels import LabelSpace
from panoptic_ros.network.checkpoint import Checkpoint
from panoptic_ros.network.export import export_onnx
from panoptic_ros.network.family import Configuration
from panoptic_ros.network.size import measure
from panoptic_ros.pipelines.contract import contract

TOLERANCE = 1e-4
"""Largest difference of the export from PyTorch, as a share of an output's largest value."""
HALF_TOLERANCE = 0.02
"""Mean difference of fp16 outputs from fp32, as a share of an output's mean."""
TARGET = 'sm_89'
RUNS = 5


class Subject(NamedTuple):
    """A network with random weights, and how it is measured."""

    config: Configuration
    labels: LabelSpace
    weights: dict[str, torch.Tensor]
    image: npt.NDArray[np.uint8]
    """An image of the size of the export's input."""
    counted: tuple[int, int]
    """Size (height, width) of the image whose multiply-adds are counted."""
    threads: int
    clock: Callable[[], float]
    """What tells the time of a run: of the wall or of the processor."""
    halved: bool = True
    """Whether random weights say anything about half precision."""
    half_tolerance: float = HALF_TOLERANCE
    """Larger for networks with thresholds inside, which rounding turns over."""
    built: bool = True
    """Whether TensorRT-RTX builds a plan."""


def examine(subject: Subject, folder: Path) -> dict[str, Any]:
    """
    Return every figure of one network; its files stay in a folder.

    Raises
    ------
    ExportError, ModelError, ValueError
        An export differs from PyTorch, a conversion differs from the export, or TensorRT-RTX
        cannot build it.

    """
    size, images = subject.image.shape[:2], subject.image[None]
    path = folder / f'{subject.config.name}.onnx'
    began = time.process_time()
    difference = export_onnx(
        Checkpoint(subject.config, subject.labels, subject.weights, {'weights': 'random'}, {}),
        path, size, tolerance=TOLERANCE)
    export_seconds = time.process_time() - began
    engine = OnnxEngine(path, contract, threads=subject.threads)
    expected, seconds = engine(images), []
    for _ in range(RUNS):
        start = subject.clock()
        engine(images)
        seconds.append(subject.clock() - start)
    loss = fp16_loss(path, images, expected, subject.half_tolerance) if subject.halved else None
    plan: dict[str, Any] = {'plan_bytes': None, 'build_seconds': None}
    if subject.built:
        built = build_plan(OnnxFile.read(path, contract), BuildOptions('fp16', TARGET))
        plan = {'plan_bytes': len(built.plan), 'build_seconds': built.seconds,
                'tensorrt': built.info.tensorrt}
    return {**asdict(measure(subject.config, subject.counted, len(subject.labels))), 'size': size,
            'onnx_bytes': path.stat().st_size, 'difference': difference,
            'export_seconds': export_seconds, 'fp16_difference': loss,
            'convolutions': quantized(path, subject.image),
            'cpu_ms': 1e3 * float(np.median(seconds)), **plan}


def fp16_loss(path: Path, images: npt.NDArray[np.uint8],
              expected: Mapping[str, npt.NDArray[Any]], tolerance: float) -> float:
    """
    Return how far the worst output of a model in fp16 is from what is expected.

    Raises
    ------
    ValueError
        It is farther than the tolerance.

    """
    half = path.with_suffix('.fp16.onnx')
    half.write_bytes(convert(path.read_bytes(), 'fp16'))
    found = OnnxEngine(half, contract)(images)
    loss = max(float(np.abs(found[name].astype(np.float32) - values).mean()
                     / np.abs(values).mean()) for name, values in expected.items())
    if not loss <= tolerance:
        raise ValueError(f'fp16 differs by {loss:.3f}: expected at most {tolerance}')
    return loss


def quantized(path: Path, image: npt.NDArray[np.uint8]) -> int:
    """Return how many convolutions of a model int8 quantises; 0 if it refuses the model."""
    try:
        content = convert(path.read_bytes(), 'int8', [image])
    except ModelError:
        return 0
    graph = parse_onnx(content, str(path)).graph
    scaled = {name for node in graph.node if node.op_type == 'DequantizeLinear'
              for name in node.output}
    return sum(node.op_type == 'Conv' and node.input[0] in scaled for node in graph.node)
