"""
Export, convert and run networks of the family fpn; write their part of docs/models.md.

``fpn_report.py NETWORK ...`` measures the named networks; the figures of the others, which are in
build/models, are kept.  It fails if an export differs from PyTorch, or a conversion from the
export.  A network takes a minute and several gigabytes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

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

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / 'build' / 'models'
DOCUMENT = ROOT / 'docs' / 'models.md'
HEADING, NEXT = '## Panoptic-FPN\n', '## Networks that predict masks\n'
SIZE, SPACE = (512, 1024), LabelSpace.load('coco')
TOLERANCE, HALF_TOLERANCE, RUNS = 1e-4, 0.02, 5

INTRODUCTION = f"""{HEADING}
Written by `tools/fpn_report.py NETWORK ...`. These are the networks of detectron2;
`import_checkpoint` reads their published checkpoints. The columns are those above, for COCO and an
image of {SIZE[0]}x{SIZE[1]}, except for these:

- **PQ**: published for COCO val, behind a slash after a third of the training, whose checkpoint is
  another of the same network.
- **fp16**: the mean difference of the logits of stuff, and the largest difference of a score.
- **CPU**: milliseconds of processor time of ONNX Runtime on one thread, for 1000 proposals and 100
  detections.

The graph holds everything, from the camera's pixels to 100 rows of detections. Suppression is made
of plain operators and is exact: of proposals, a matrix of overlaps is applied until nothing
changes; of detections, the best is picked 100 times, so no number of candidates is too many. Both
are an ONNX `Loop`, and take a fortieth of the time on a processor. `RoiAlign` is ONNX's operator,
because the number of its samples depends on the box: plain operators would have to weigh whole
maps for every box, which takes gigabytes. ONNX Runtime has the operator. TensorRT has it, too;
that was not tried, as it needs a GPU. TensorRT-RTX has not. It builds everything else of the
graph, and these networks are refused there, with this reason, when they are opened or built.

The network knows its input, not which part of it an image fills. So boxes are clipped to the
input, where detectron2 clips them to the image. Where images fill the input, that is the same.

"""


def main(argv: Sequence[str]) -> int:
    """Measure and write."""
    BUILD.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    for name in argv:
        print(f'{name} ...', flush=True)
        figures = examine(PRESETS[name])
        (BUILD / f'{name}.json').write_text(json.dumps(figures, indent=2), encoding='utf-8')
        print(json.dumps(figures), flush=True)
    rows = {name: json.loads(path.read_text(encoding='utf-8')) for name in PRESETS
            if (path := BUILD / f'{name}.json').is_file()}
    before, heading, after = DOCUMENT.read_text(encoding='utf-8').partition(NEXT)
    before = before.partition(HEADING)[0].rstrip()
    DOCUMENT.write_text(f'{before}\n\n{section(rows)}\n{heading}{after}', encoding='utf-8')
    print(f'{DOCUMENT} is written')
    return 0


def examine(config: FpnConfig) -> dict[str, Any]:
    """Return every figure of one network."""
    image = Drive(seed=0, size=SIZE).frame(0.0)[0]
    weights = random_weights(config, image)
    path = BUILD / f'{config.name}.onnx'
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


def section(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the part of the page."""
    lines = ['| network | PQ | M | G | ONNX MB | export | s | fp16 | CPU ms |',
             '| --- | ---: |' + ' ---: |' * 7]
    for name, row in rows.items():
        published = PUBLISHED[name]
        short = f' / {published.short}' if published.short else ''
        lines.append(
            f'| {name} | {published.coco}{short} {published.source} '
            f'| {row["parameters"] / 1e6:.2f} | {row["multiply_adds"] / 1e9:.1f} '
            f'| {row["onnx_bytes"] / 1e6:.1f} | {row["difference"]:.0e} '
            f'| {row["export_seconds"]:.0f} | {row["fp16_difference"]:.2%}, '
            f'{row["fp16_score"]:.4f} | {row["cpu_ms"]:.0f} |')
    return INTRODUCTION + '\n'.join(lines) + '\n'


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
