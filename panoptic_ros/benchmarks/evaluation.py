"""Panoptic quality of one 1024x2048 pair: this package against cityscapesscripts."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from rich.progress import track

from ..arguments import image_size
from ..evaluation import PanopticQuality
from ..evaluation.coco_panoptic import CocoPanopticWriter
from ..evaluation.label_files import read_labels
from ..labels import LabelSpace
from ..report import print_table
from ..streets import Drive

OFFICIAL = 'cityscapesscripts.evaluation.evalPanopticSemanticLabeling'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be chosen."""
    parser.add_argument('--size', type=image_size, default='1024x2048', metavar='HxW',
                        help='size of the label images (default: %(default)s)')
    parser.add_argument('--pairs', type=int, default=10,
                        help='image pairs to evaluate (default: %(default)s)')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """
    Evaluate the same pairs both ways in one process and report medians, ratios and both PQ.

    A pair is the ground truth of two successive frames of a drive.

    Raises
    ------
    ImportError
        cityscapesscripts is not installed.

    """
    try:
        official = import_module(OFFICIAL)
    except ImportError as error:
        raise ImportError(f'the benchmark needs cityscapesscripts ({error}): install it with '
                          '`pip install cityscapesscripts`') from error
    height, width = args.size
    space = LabelSpace.load('cityscapes')
    drive = Drive(seed=0, size=(height, width))
    arrays, files, theirs = (PanopticQuality(space), PanopticQuality(space), official.PQStat())
    taken: dict[str, list[float]] = {'arrays': [], 'files': [], 'cityscapesscripts': []}
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        writer = CocoPanopticWriter(folder, space)
        categories = {category['id']: category for category in writer.categories}

        def from_files() -> None:
            files.update(read_labels(folder / 'prediction_16.png'),
                         read_labels(folder / 'truth_16.png'))

        for index in track(range(args.pairs), 'evaluating'):
            prediction, truth = (drive.frame((index + shift) / 10)[1].labels for shift in (1, 0))
            pair = [_write(folder, writer, name, labels)
                    for name, labels in (('truth', truth), ('prediction', prediction))]
            taken['arrays'].append(_seconds(partial(arrays.update, prediction, truth)))
            taken['files'].append(_seconds(from_files))
            with redirect_stdout(StringIO()):
                start = perf_counter()
                theirs += official.pq_compute_single_core(
                    0, [tuple(pair)], str(folder), str(folder), categories)
                taken['cityscapesscripts'].append(perf_counter() - start)
    median = {name: 1e3 * float(np.median(seconds)) for name, seconds in taken.items()}
    quality = arrays.compute().all.pq
    expected = 100 * float(theirs.pq_average(categories, isthing=None)[0]['pq'])
    ratio = median['cityscapesscripts'] / median['files']
    print_table(
        f'one {height}x{width} pair, one process, median of {args.pairs}', ('', 'ms', 'PQ'),
        (('panoptic_ros, arrays in memory', median['arrays'], quality),
         ('panoptic_ros, 16-bit PNG files', median['files'], files.compute().all.pq),
         ('cityscapesscripts, its PNG files', median['cityscapesscripts'], expected)))
    print(f'from files {ratio:.1f} times as fast')
    return {'size': [height, width], 'pairs': args.pairs, 'median_ms': median,
            'ratio_from_files': ratio, 'pq': {'panoptic_ros': quality,
                                              'cityscapesscripts': expected}}


def _write(folder: Path, writer: CocoPanopticWriter, name: str,
           labels: npt.NDArray[np.uint16]) -> dict[str, Any]:
    cv2.imwrite(str(folder / f'{name}_16.png'), labels)
    return writer.add(name, labels)


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start
