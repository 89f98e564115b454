"""The part of docs/models.md that lists the networks of the family fpn."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from models_measuring import HALF_TOLERANCE, RUNS, TOLERANCE

from panoptic_ros.engine import OnnxEngine
from panoptic_ros.engine.precision import convert
from panoptic_ros.labels import LabelSpace
from panoptic_ros.network.checkpoint import Checkpoint
from panoptic_ros.network.export import export_onnx
from panoptic_ros.network.families.fpn.config import FpnConfig
from panoptic_ros.network.families.fpn.model import PanopticFpn
from panoptic_ros.network.families.fpn.variants import PRESETS, PUBLISHED
from panoptic_ros.network.size import measure
from panoptic_ros.pipelines.contract import contract
from panoptic_ros.streets import Drive

NAMES = tuple(PRESETS)
SIZE, SPACE = (512, 1024), LabelSpace.load('coco')

INTRODUCTION = f"""\
## Panoptic-FPN

These are the networks of detectron2; `import_checkpoint` reads their published checkpoints. The
columns are those above, for COCO and an image of {SIZE[0]}x{SIZE[1]}, except for these:

- **PQ**: published for COCO val. The figure behind a slash is that of another published
  checkpoint, which was trained a third as long.
- **export**: the smaller difference of two random images, as rounding may turn a choice over; when
  it exceeds the tolerance, two others are tried, up to three times.
- **fp16**: the mean difference of the logits of stuff, and the largest difference of a score.
- **CPU**: milliseconds of processor time of ONNX Runtime on one thread, for 1000 proposals and 100
  detections, on a machine so busy that it varied by a third (`fpn-r50`: 3950 to 5531).

The graph holds everything, from the camera's pixels to 100 rows of detections. Suppression is made
of plain operators and is exact: of proposals, a matrix of overlaps is applied until nothing
changes; of detections, the best is picked 100 times, so no number of candidates is too many. Both
are an ONNX `Loop`; on a processor the two take a fortieth of the network's time. `RoiAlign` is
ONNX's operator, because the number of its samples depends on the box: plain operators would have
to weigh whole maps for every box, which takes gigabytes. ONNX Runtime has the operator. TensorRT
has it, too; that was not tried, as it needs a GPU. TensorRT-RTX has not. It builds everything else
of the graph, and these networks are refused there, with this reason, when they are opened or
built.

The network knows its input, not which part of it an image fills. So boxes are clipped to the
input, where detectron2 clips them to the image. Where images fill the input, that is the same.
"""
COLUMNS = ('PQ', 'M', 'G', 'ONNX MB', 'export', 's', 'fp16', 'CPU ms')


def examine(name: str, folder: Path) -> dict[str, Any]:
    """
    Return every figure of one network; its files stay in a folder.

    There is no plan, as TensorRT-RTX lacks an operator.

    Raises
    ------
    ExportError, ValueError
        An export differs from PyTorch, or a conversion differs from the export.

    """
    config = PRESETS[name]
    image = Drive(seed=0, size=SIZE).frame(0.0)[0]
    weights = random_weights(config, image)
    path = folder / f'{name}.onnx'
    began = time.process_time()
    difference = export_onnx(Checkpoint(config, SPACE, weights, {'weights': 'random'}, {}), path,
                             SIZE, tolerance=TOLERANCE)
    export_seconds = time.process_time() - began
    engine = OnnxEngine(path, contract, threads=1)
    expected, seconds = engine(image[None]), []
    if not (expected['scores'] > 0).all():
        raise ValueError('there are less detections than rows: the time would be that of fewer')
    for _ in range(RUNS):
        start = time.process_time()
        engine(image[None])
        seconds.append(time.process_time() - start)
    half = path.with_suffix('.fp16.onnx')
    half.write_bytes(convert(path.read_bytes(), 'fp16'))
    found = OnnxEngine(half, contract)(image[None])
    loss = float(np.abs(found['semantic'] - expected['semantic']).mean()
                 / np.abs(expected['semantic']).mean())
    score_loss = float(np.abs(found['scores'] - expected['scores']).max())
    if not max(loss, score_loss) <= HALF_TOLERANCE:
        raise ValueError(f'fp16 differs by {loss:.3f} and {score_loss:.3f}: expected at most '
                         f'{HALF_TOLERANCE}')
    return {**asdict(measure(config, SIZE, len(SPACE))), 'onnx_bytes': path.stat().st_size,
            'difference': difference, 'export_seconds': export_seconds, 'fp16_difference': loss,
            'fp16_score': score_loss, 'cpu_ms': 1e3 * float(np.median(seconds))}


@torch.no_grad()
def random_weights(config: FpnConfig, image: np.ndarray) -> dict[str, torch.Tensor]:
    """Return random weights with batch statistics of an image, whose scores spread."""
    network = PanopticFpn(config, len(SPACE))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
            torch.nn.init.ones_(module.bias)
    images = torch.from_numpy(np.stack([image, image[:, ::-1]]))
    pixels = images.permute(0, 3, 1, 2).float() - network.mean
    network.backbone.train()(pixels)
    network.eval()
    read: list[torch.Tensor] = []
    network.boxes.classes.register_forward_hook(lambda _, __, logits: read.append(logits))
    network(images[:1])
    classes = network.boxes.classes
    gain = 2 / read[0].std(0).mean()
    classes.bias.sub_(read[0].mean(0)).mul_(gain)
    classes.weight.mul_(gain)
    return network.state_dict()


def cells(name: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the figures of a network, by column."""
    published = PUBLISHED[name]
    short = f' / {published.short}' if published.short else ''
    return (f'{published.coco}{short} {published.source}', f'{figures["parameters"] / 1e6:.2f}',
            f'{figures["multiply_adds"] / 1e9:.1f}', f'{figures["onnx_bytes"] / 1e6:.1f}',
            f'{figures["difference"]:.0e}', f'{figures["export_seconds"]:.0f}',
            f'{figures["fp16_difference"]:.2%}, {figures["fp16_score"]:.4f}',
            f'{figures["cpu_ms"]:.0f}')
