"""The speed of the renderer, the contents of its streets, and the PQ of colour alone."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, process_time
from typing import Any

import cv2
import numpy as np
from rich.progress import track

from ..arguments import image_size, whole
from ..evaluation import PanopticQuality
from ..evaluation.color_baseline import ColorBaseline
from ..labels import LabelSpace
from ..report import print_table
from ..streets import PLAIN, VARIED, Drive, Variety

_FIRST_SEED = 2_000_000
_PALETTE_SEED = 3_000_000
_DRIVES = 6
_OCCLUDED = 0.95
"""A thing counts as partly occluded if its visible share is smaller."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``benchmark streets``."""
    parser.add_argument('--size', type=image_size, default='512x1024', metavar='HxW',
                        help='camera resolution (default: %(default)s)')
    parser.add_argument('--frames', type=whole(1), default=60,
                        help='frames to time, over six drives (default: %(default)s)')
    parser.add_argument('--survey', type=int, default=60,
                        help='drives to survey, two frames each (default: %(default)s)')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Time the renderer on one core, survey its frames and measure the colour baseline."""
    size = args.size
    with _one_thread():
        speed = _time(size, args.frames, PLAIN)
        varied = _time(size, args.frames, VARIED)
    survey = _survey(size, args.survey)
    color = _color_baseline(size)
    report = {'size': list(size), 'speed': speed, 'varied_speed': varied, 'survey': survey,
              'color_baseline_pq': color}
    _print(report)
    return report


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _time(size: tuple[int, int], frames: int, variety: Variety) -> dict[str, float]:
    """Return medians in milliseconds of processor time on one core, and frames per second."""
    setup, drawn, measured, walls = [], [], [], []
    for seed in track(range(_FIRST_SEED, _FIRST_SEED + _DRIVES), 'timing'):
        start = process_time()
        drive = Drive(seed, size, variety)
        setup.append(process_time() - start)
        drive.frame(0)
        for index in range(1, 1 + -(-frames // _DRIVES)):
            start, wall = process_time(), perf_counter()
            drive.image_and_labels(index / 10)
            drawn.append(process_time() - start)
            walls.append(perf_counter() - wall)
            start = process_time()
            drive.frame(index / 10)
            measured.append(process_time() - start)
    return {'setup_ms': 1e3 * float(np.median(setup)),
            'image_and_labels_ms': 1e3 * float(np.median(drawn)),
            'frame_ms': 1e3 * float(np.median(measured)),
            'frames_per_second': 1 / float(np.median(drawn)),
            'frames_per_second_wall': 1 / float(np.median(walls))}


def _survey(size: tuple[int, int], drives: int) -> dict[str, Any]:
    """Count classes, things and partly occluded things, and measure the heights of things."""
    space = LabelSpace.load('cityscapes')
    frames_with = np.zeros(len(space), int)
    pixels = np.zeros(256, np.int64)
    things, heights, shares = [], [], []
    for seed in track(range(_FIRST_SEED, _FIRST_SEED + drives), 'surveying'):
        drive = Drive(seed, size)
        for time in (1.0, 41.0):
            _, truth = drive.frame(time)
            frames_with[np.unique(truth.segments.class_id)] += 1
            pixels += np.bincount(truth.semantic().ravel(), minlength=256)
            box = truth.things.box
            things.append(len(box))
            heights += (box[:, 3] - box[:, 1]).tolist()
            shares += list(drive.visible_shares(time).values())
    return {'frames': 2 * drives, 'things_per_frame': float(np.mean(things)),
            'partly_occluded': float(np.mean(np.array(shares) < _OCCLUDED)),
            'smallest_thing_px': int(min(heights)), 'median_thing_px': float(np.median(heights)),
            'frames_with': {name: float(share) for name, share in
                            zip(space.names, frames_with / (2 * drives), strict=True)},
            'pixels': {name: float(share) for name, share in
                       zip(space.names, pixels[:len(space)] / pixels.sum(), strict=True)}}


def _color_baseline(size: tuple[int, int]) -> float:
    """Learn palette colours from one set of drives; return the PQ of the nearest on another."""
    space = LabelSpace.load('cityscapes')
    seeds = track(range(_PALETTE_SEED, _PALETTE_SEED + 40), 'learning colours')
    frames = (Drive(seed, size).image_and_labels(5) for seed in seeds)
    baseline = ColorBaseline.fit(frames, space)
    quality = PanopticQuality(space)
    for seed in track(range(_FIRST_SEED, _FIRST_SEED + 20), 'segmenting by colour'):
        image, labels = Drive(seed, size).image_and_labels(5)
        quality.update(baseline(image), labels)
    return quality.compute().all.pq


def _print(report: dict[str, Any]) -> None:
    speed, varied, survey = report['speed'], report['varied_speed'], report['survey']
    height, width = report['size']
    print_table(f'streets at {height}x{width} on one core: '
                f'{speed["frames_per_second"]:.1f} frames/s',
                ('stage', 'p50 ms', 'varied'),
                ((name, speed[key], varied[key]) for name, key in (
                    ('a new drive', 'setup_ms'),
                    ('image and label image', 'image_and_labels_ms'),
                    ('frame with its table of segments', 'frame_ms'))))
    print_table(f'{survey["frames"]} frames: {survey["things_per_frame"]:.1f} things a frame, '
                f'{survey["partly_occluded"]:.0%} partly occluded, smallest '
                f'{survey["smallest_thing_px"]} px high; nearest colour reaches '
                f'{report["color_baseline_pq"]:.1f} PQ',
                ('class', 'in % of frames', '% of pixels'),
                ((name, 100 * share, 100 * survey['pixels'][name])
                 for name, share in survey['frames_with'].items()))
