"""
Export, convert, run and build every network of this package, and write docs/models.md.

``models_report.py [NETWORK ...]`` measures the named networks again, and keeps the figures of the
others, which are in build/models.  It fails if an export differs from PyTorch, if a conversion
differs from the export, or if TensorRT-RTX cannot build it.  A network takes about a minute.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
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
from panoptic_ros.network.families.deeplab.config import NetworkConfig
from panoptic_ros.network.families.deeplab.model import PanopticDeepLab
from panoptic_ros.network.families.deeplab.variants import PRESETS, PUBLISHED, preset
from panoptic_ros.network.size import measure
from panoptic_ros.pipelines.contract import contract
from panoptic_ros.streets import Drive

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / 'build' / 'models'
DOCUMENT = ROOT / 'docs' / 'models.md'
SIZE = (512, 1024)
TOLERANCE = 1e-4
"""Largest difference of the export from PyTorch, as a share of an output's largest value."""
HALF_TOLERANCE = 0.02
"""Mean difference of fp16 outputs from fp32, as a share of an output's mean."""
TARGET = 'sm_89'
HEADING = '## Panoptic-FPN\n'
"""What follows it on the page is written by fpn_report.py and masks_report.py."""
RUNS = 5

INTRODUCTION = f"""\
# The networks

Written by `make models` from what it measured; do not edit.

Networks whose names end in `-detectron2` or `-bowenc` are exactly those public networks:
`import_checkpoint` reads their checkpoints, and their heads agree with the public code. The others
are built as the paper or deeplab2 describe, with this package's conventions, to be trained here
(`train --network NAME`). `mobile` is the network of `streets.onnx`.

- **PQ**: the figure that was published for Cityscapes val at one scale, and its source. It was not
  measured with this package.
- **M**, **G**: millions of parameters, thousand millions of multiply-adds at 1024x2048 (1025x2049
  where corners are aligned, or where that was published).
- **export**: the largest difference of ONNX Runtime from PyTorch, as a share of a head's largest
  value; at most {TOLERANCE:.0e}.
- **fp16**: the mean difference of the worst head when the file is converted to half precision, as
  a share of the head's mean; at most {HALF_TOLERANCE:.0%}.
- **CPU**: time of ONNX Runtime for one image of {SIZE[0]}x{SIZE[1]} (one more where
  corners are aligned), {{threads}} threads of a shared machine, median of {RUNS}.
- **plan**: size of the plan of TensorRT-RTX in fp16 for {TARGET}, built without a GPU, and time
  of the build.

A figure behind a slash is the published one. The weights are random. So the differences say what
conversions do to the arithmetic of a network, not what they cost a trained network in quality.

"""


def main(argv: Sequence[str]) -> int:
    """Measure and write; return 1 if a network misses a tolerance."""
    BUILD.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    failures = []
    for name in argv or PRESETS:
        print(f'{name} ...', flush=True)
        try:
            figures = examine(preset(name))
        except Exception as error:      # the other networks are still measured
            failures.append(f'{name}: {error}')
            print(failures[-1], file=sys.stderr)
            continue
        (BUILD / f'{name}.json').write_text(json.dumps(figures, indent=2), encoding='utf-8')
        print(json.dumps(figures), flush=True)
    rows = {name: json.loads(path.read_text(encoding='utf-8')) for name in PRESETS
            if (path := BUILD / f'{name}.json').is_file()}
    if set(rows) == set(PRESETS):
        _, heading, others = DOCUMENT.read_text(encoding='utf-8').partition(HEADING)
        DOCUMENT.write_text('\n'.join(filter(None, (document(rows), heading + others))),
                            encoding='utf-8')
    else:
        failures.append(f'not written, as these are missing: {sorted(set(PRESETS) - set(rows))}')
    print('\n'.join(failures) or f'{DOCUMENT} is written')
    return 1 if failures else 0


def examine(config: NetworkConfig) -> dict[str, Any]:
    """Return every figure of one network."""
    more = int(config.align_corners)
    size = SIZE[0] + more, SIZE[1] + more
    image = cv2.resize(Drive(seed=0, size=SIZE).frame(0.0)[0], size[::-1])
    checkpoint = Checkpoint(config, LabelSpace.load('cityscapes'), random_weights(config, image),
                            {'weights': 'random'}, {})
    path = BUILD / f'{config.name}.onnx'
    difference = export_onnx(checkpoint, path, size, tolerance=TOLERANCE)
    engine = OnnxEngine(path, contract)
    expected, seconds = engine(image[None]), []
    for _ in range(RUNS):
        start = time.perf_counter()
        engine(image[None])
        seconds.append(time.perf_counter() - start)
    half = path.with_suffix('.fp16.onnx')
    half.write_bytes(convert(path.read_bytes(), 'fp16'))
    found = OnnxEngine(half, contract)(image[None])
    loss = max(float(np.abs(found[name].astype(np.float32) - values).mean()
                     / np.abs(values).mean()) for name, values in expected.items())
    if not loss <= HALF_TOLERANCE:
        raise ValueError(f'fp16 differs by {loss:.3f}: expected at most {HALF_TOLERANCE}')
    built = build_plan(OnnxFile.read(path, contract), BuildOptions('fp16', TARGET))
    published = PUBLISHED.get(config.name)
    odd = int(config.align_corners or bool(published and published.multiply_adds))
    cost = measure(config, (1024 + odd, 2048 + odd))
    return {**asdict(cost), 'onnx_bytes': path.stat().st_size, 'difference': difference,
            'fp16_difference': loss, 'cpu_ms': 1e3 * float(np.median(seconds)),
            'plan_bytes': len(built.plan), 'build_seconds': built.seconds,
            'tensorrt': built.info.tensorrt, 'threads': torch.get_num_threads()}


def random_weights(config: NetworkConfig, image: np.ndarray) -> dict[str, torch.Tensor]:
    """
    Return random weights, with batch statistics of an image.

    Batch norms have a bias with which most ReLUs are open.  A deep random network without it cuts
    off values at every layer, and amplifies the rounding of its weights a hundredfold.  A trained
    network does not.
    """
    network = PanopticDeepLab(config, 19)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
            torch.nn.init.ones_(module.bias)
        elif isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    with torch.no_grad():
        network.train()(torch.from_numpy(np.stack([image, image[:, ::-1]])))
    return network.state_dict()


def document(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page."""
    some = next(iter(rows.values()))
    lines = ['| network | PQ | M | G | ONNX MB | export | fp16 | CPU ms | plan MB | built in s |',
             '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |']
    for name, row in rows.items():
        published = PUBLISHED.get(name)
        pq = f'{published.pq} {published.source}' if published else ''
        lines.append(
            f'| {name} | {pq} | {beside(row["parameters"] / 1e6, published, "parameters")} '
            f'| {beside(row["multiply_adds"] / 1e9, published, "multiply_adds")} '
            f'| {row["onnx_bytes"] / 1e6:.1f} | {row["difference"]:.0e} '
            f'| {row["fp16_difference"]:.2%} | {row["cpu_ms"]:.0f} '
            f'| {row["plan_bytes"] / 1e6:.1f} | {row["build_seconds"]:.1f} |')
    return (INTRODUCTION.format(threads=some['threads']) + '\n'.join(lines)
            + f'\n\nBuilt by {some["tensorrt"]}.\n')


def beside(value: float, published: Any, name: str) -> str:
    """Return a figure, and behind a slash the published one."""
    known = getattr(published, name, None)
    return f'{value:.2f}' + ('' if known is None else f' / {known:.2f}')


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
