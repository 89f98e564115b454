"""
Measure a network of the family masks on the street frames that it was trained on.

``fit_report.py RUN FRAMES`` takes RUN/checkpoint.pt and the folder that ``train --data`` filled.
It prints PQ beside the PQ of ideal queries: the true segments, each a mask at stride 4 that says
which share of the cell is the segment's.  What these lose, no training can be asked for.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from panoptic_ros.evaluation import PanopticQuality
from panoptic_ros.families import masks
from panoptic_ros.labels import LabelSpace
from panoptic_ros.network.checkpoint import Checkpoint
from panoptic_ros.network.families.masks.targets import NO_CLASS, TargetOptions
from panoptic_ros.network.frames import StreetFrames
from panoptic_ros.streets import VARIETIES

STRIDE = 4
SURE = 10.0
"""Logit of the class of an ideal query, and of a cell that is wholly in its mask."""


def main(argv: Sequence[str]) -> int:
    """Measure and print; return 0."""
    run, folder = map(Path, argv)
    checkpoint = Checkpoint.load(run / 'checkpoint.pt')
    frames = frames_of(checkpoint.training['data'], folder)
    network, space = checkpoint.network(), checkpoint.label_space
    ideal, found = PanopticQuality(space), PanopticQuality(space)
    for index in range(len(frames)):
        image, truth = (np.ascontiguousarray(part) for part in frames[index])
        with torch.inference_mode():
            outputs = network(torch.from_numpy(image)[None])
        for quality, queries in (
                (found, masks.Queries(*(output[0].numpy() for output in outputs), frames.size)),
                (ideal, ideal_queries(truth, space))):
            quality.update(masks.decode(queries, space, frames.size, 'cpu'), truth)
    print(f'{checkpoint.training["step"]} steps in {checkpoint.training["minutes"]} minutes')
    print('\n'.join(lines(found, ideal)))
    return 0


def frames_of(description: str, folder: Path) -> StreetFrames:
    """Return the frames that the description of a training names."""
    match = re.fullmatch(r'streets: (\d+) (?:(\w+(?: and \w+)*) )?frames of (\d+)x(\d+) '
                         r'from drives (\d+) to \d+', description)
    if match is None:
        raise SystemExit(f'the training was on {description!r}: expected street frames')
    count, height, width, seed = map(int, match.group(1, 3, 4, 5))
    varieties = tuple(VARIETIES[name] for name in (match[2] or 'plain').split(' and '))
    return StreetFrames(folder, count, (height, width), seed, varieties)


def ideal_queries(truth: npt.NDArray[np.uint16], space: LabelSpace) -> masks.Queries:
    """Return queries of the true segments."""
    height, width = truth.shape
    target = TargetOptions().make(truth, space, np.random.default_rng(0))
    of = target['classes'][target['classes'] != NO_CLASS]
    inside = target['segments'] == np.arange(len(of))[:, None, None]
    share = inside.reshape(len(of), height // STRIDE, STRIDE, width // STRIDE, STRIDE).mean((2, 4))
    classes = np.full((len(of), len(space) + 1), -SURE, np.float32)
    classes[np.arange(len(of)), of] = SURE
    return masks.Queries(classes, (SURE * (2 * share - 1)).astype(np.float32), truth.shape)


def lines(found: PanopticQuality, ideal: PanopticQuality) -> Iterator[str]:
    """Return PQ of all and of each class beside that of the ideal queries."""
    ours, best = found.compute(), ideal.compute()
    yield f'{"":14} {"PQ":>6} {"ideal":>6}'
    yield f'{"all":14} {ours.all.pq:6.1f} {best.all.pq:6.1f}'
    for name, quality in best.per_class.items():
        yield f'{name:14} {ours.per_class[name].pq:6.1f} {quality.pq:6.1f}'


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
