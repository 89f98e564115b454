"""
Export, convert, run and build networks of the family masks; write their part of docs/models.md.

``masks_report.py NETWORK ...`` measures the named networks; the figures of the others, which are
in build/models, are kept.  It fails if an export differs from PyTorch, if a conversion differs
from the export, or if TensorRT-RTX cannot build it.  A network takes minutes and several
gigabytes.
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
from panoptic_ros.engine.build import build_plan
from panoptic_ros.engine.build_options import BuildOptions
from panoptic_ros.engine.onnx_file import OnnxFile
from panoptic_ros.engine.precision import convert
from panoptic_ros.labels import LabelSpace
from panoptic_ros.network.checkpoint import Checkpoint
from panoptic_ros.network.export import export_onnx
from panoptic_ros.network.families.masks.config import MasksConfig
from panoptic_ros.network.families.masks.model import MasksNetwork
from panoptic_ros.network.families.masks.variants import PRESETS, PUBLISHED
from panoptic_ros.network.size import measure
from panoptic_ros.pipelines.contract import contract
from panoptic_ros.streets import Drive

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / 'build' / 'models'
DOCUMENT = ROOT / 'docs' / 'models.md'
HEADING = '## Networks that predict masks\n'
TOLERANCE, HALF_TOLERANCE, TARGET, RUNS = 1e-4, 0.02, 'sm_89', 5

INTRODUCTION = f"""{HEADING}
Written by `tools/masks_report.py NETWORK ...`. These are the networks of Mask2Former and EoMT, by
way of `transformers`; `import_checkpoint` reads their published checkpoints. The columns are those
above, for an image of the input's size, except for these:

- **PQ**: published for COCO and Cityscapes val.
- **G**: for the input of this table.
- **s**: seconds of processor time of the export, with its comparison.
- **CPU**: milliseconds of processor time of ONNX Runtime on one thread; two idle cores need about
  half of it.

"""


def main(argv: Sequence[str]) -> int:
    """Measure and write; return 1 if a network misses a tolerance."""
    BUILD.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    for name in argv:
        print(f'{name} ...', flush=True)
        figures = examine(PRESETS[name])
        (BUILD / f'{name}.json').write_text(json.dumps(figures, indent=2), encoding='utf-8')
        print(json.dumps(figures), flush=True)
    rows = {name: json.loads(path.read_text(encoding='utf-8')) for name in PRESETS
            if (path := BUILD / f'{name}.json').is_file()}
    before = DOCUMENT.read_text(encoding='utf-8').partition(HEADING)[0].rstrip()
    DOCUMENT.write_text(f'{before}\n\n{section(rows)}', encoding='utf-8')
    print(f'{DOCUMENT} is written')
    return 0


def examine(config: MasksConfig) -> dict[str, Any]:
    """Return every figure of one network."""
    eomt = config.model == 'eomt'
    side = config.settings.get('image_size', 640)
    size = (side, side) if eomt else (512, 1024)
    space = LabelSpace.load('coco' if eomt else 'cityscapes')
    image = Drive(seed=0, size=size).frame(0.0)[0]
    checkpoint = Checkpoint(config, space, random_weights(config, len(space)),
                            {'weights': 'random'}, {})
    path = BUILD / f'{config.name}.onnx'
    began = time.process_time()
    difference = export_onnx(checkpoint, path, size, tolerance=TOLERANCE)
    export_seconds = time.process_time() - began
    engine = OnnxEngine(path, contract, threads=1)
    expected, seconds = engine(image[None]), []
    for _ in range(RUNS):
        start = time.process_time()
        engine(image[None])
        seconds.append(time.process_time() - start)
    half = path.with_suffix('.fp16.onnx')
    half.write_bytes(convert(path.read_bytes(), 'fp16'))
    found = OnnxEngine(half, contract)(image[None])
    loss = max(float(np.abs(found[name].astype(np.float32) - values).mean()
                     / np.abs(values).mean()) for name, values in expected.items())
    if not loss <= HALF_TOLERANCE:
        raise ValueError(f'fp16 differs by {loss:.3f}: expected at most {HALF_TOLERANCE}')
    built = build_plan(OnnxFile.read(path, contract), BuildOptions('fp16', TARGET))
    return {**asdict(measure(config, size, len(space))), 'onnx_bytes': path.stat().st_size,
            'difference': difference, 'export_seconds': export_seconds, 'fp16_difference': loss,
            'cpu_ms': 1e3 * float(np.median(seconds)), 'plan_bytes': len(built.plan),
            'build_seconds': built.seconds, 'tensorrt': built.info.tensorrt}


def random_weights(config: MasksConfig, classes: int) -> dict[str, torch.Tensor]:
    """Return random weights; norms keep the scale of what they get, and no query is masked."""
    network = MasksNetwork(config, classes)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(module.weight)
    weights = network.state_dict()
    if 'model.attn_mask_probs' in weights:
        weights['model.attn_mask_probs'].zero_()
    return weights


def section(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the part of the page."""
    lines = ['| network | PQ | M | G | input | ONNX MB | export | s | fp16 | CPU ms | plan MB '
             '| built in s |', '| --- | ---: |' + ' ---: |' * 10]
    for name, row in rows.items():
        published = PUBLISHED[name]
        pq = ' / '.join(str(value) for value in (published.coco, published.cityscapes) if value)
        known = f' / {published.parameters}' if published.parameters else ''
        height, width = row['input_size']
        lines.append(
            f'| {name} | {pq} {published.source} | {row["parameters"] / 1e6:.2f}{known} '
            f'| {row["multiply_adds"] / 1e9:.1f} | {height}x{width} '
            f'| {row["onnx_bytes"] / 1e6:.1f} | {row["difference"]:.0e} '
            f'| {row["export_seconds"]:.0f} | {row["fp16_difference"]:.2%} | {row["cpu_ms"]:.0f} '
            f'| {row["plan_bytes"] / 1e6:.1f} | {row["build_seconds"]:.0f} |')
    return INTRODUCTION + '\n'.join(lines) + '\n'


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
