"""Frames of a made-up drive: PNG pairs of image and labels, or one contact sheet."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track

from ..arguments import image_size
from ..images import files as image_files
from ..overlay import colorize
from ..report import add_json_argument, print_table, write_json
from ..streets import Drive
from .command import command
from .variety import variety

_SHEET_WIDTH = 640


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Draw frames of a drive; the exit status is 1 if an argument is out of range."""
    parser = argparse.ArgumentParser(prog='streets', description=__doc__)
    parser.add_argument('--seed', type=int, default=7,
                        help='seed of the drive (default: %(default)s)')
    parser.add_argument('--drives', type=int, default=1,
                        help='number of drives, with this seed and the next (default: '
                        '%(default)s)')
    parser.add_argument('--size', type=image_size, default='512x1024', metavar='HxW',
                        help='camera resolution (default: %(default)s)')
    parser.add_argument('--variety', type=variety, default='plain', metavar='NAME',
                        help='plain, or varied as real streets are and beyond (default: '
                        '%(default)s)')
    parser.add_argument('--start', type=float, default=0.0, metavar='SECONDS',
                        help='time of the first frame (default: %(default)s)')
    parser.add_argument('--rate', type=float, default=10.0, metavar='HZ',
                        help='frames per second (default: %(default)s)')
    parser.add_argument('--frames', type=int, default=1,
                        help='frames of each drive (default: %(default)s)')
    parser.add_argument('-o', '--output', type=Path, metavar='DIR',
                        help='write DIR/images/*.png and DIR/labels/*.png (16-bit: class_id * '
                        '1000 + instance, 65535 unlabelled)')
    parser.add_argument('--sheet', type=Path, metavar='FILE',
                        help='write a contact sheet: a row for each frame, image and labels')
    add_json_argument(parser)
    args = parser.parse_args(argv)
    if args.output is None and args.sheet is None:
        parser.error('give --output DIR for PNG pairs, --sheet FILE for a contact sheet, or both')
    if args.rate <= 0 or args.frames < 1 or args.drives < 1:
        parser.error(f'--rate {args.rate}, --frames {args.frames} and --drives {args.drives} '
                     'must be over zero')
    try:
        report = _draw(args)
    except (OSError, ValueError) as error:
        sys.exit(f'streets: {error}')
    frames = report['frames']
    print_table(f'{len(frames)} frames', ('frame', 'seed', 'seconds', 'things', 'classes'),
                ((f['name'], f['seed'], f['seconds'], f['things'], f['classes'])
                 for f in (frames if len(frames) <= 12 else [frames[0], frames[-1]])))
    write_json(args.json, report)


def _draw(args: argparse.Namespace) -> dict[str, Any]:
    frames: list[dict[str, Any]] = []
    rows: list[npt.NDArray[np.uint8]] = []
    moments = [(args.seed + i, args.start + k / args.rate)
               for i in range(args.drives) for k in range(args.frames)]
    drive = Drive(args.seed, args.size, args.variety)
    for seed, time in track(moments, 'drawing', disable=len(moments) < 8):
        if drive.seed != seed:
            drive = Drive(seed, args.size, args.variety)
        image, truth = drive.frame(time)
        name = f'{seed:06d}_{round(time * 1e3):07d}'
        if args.output is not None:
            image_files.write(args.output / 'images' / f'{name}.png', image)
            image_files.write(args.output / 'labels' / f'{name}.png', truth.labels)
        if args.sheet is not None:
            rows.append(_row(image, colorize(truth)))
        frames.append({'name': name, 'seed': seed, 'seconds': time, 'things': len(truth.things),
                       'classes': len(np.unique(truth.segments.class_id))})
    if args.sheet is not None:
        image_files.write(args.sheet, np.concatenate(rows))
    return {'size': list(args.size), 'frames': frames}


def _row(image: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height = round(image.shape[0] * _SHEET_WIDTH / image.shape[1])
    return np.hstack([
        cv2.resize(image, (_SHEET_WIDTH, height), interpolation=cv2.INTER_AREA),
        cv2.resize(labels, (_SHEET_WIDTH, height), interpolation=cv2.INTER_NEAREST)])


if __name__ == '__main__':
    main()
