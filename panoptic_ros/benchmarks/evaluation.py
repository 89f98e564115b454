"""Panoptic quality of 1024x2048 pairs: this package against cityscapesscripts."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.progress import track

from .. import image_files
from ..arguments import image_size
from ..datasets import Cityscapes
from ..evaluation import PanopticQuality
from ..evaluation.coco_panoptic import CocoPanopticWriter
from ..evaluation.label_files import read_labels
from ..labels import UNLABELED, LabelSpace
from ..libraries import needed
from ..report import print_table
from ..streets import Drive

OFFICIAL = 'cityscapesscripts.evaluation.evalPanopticSemanticLabeling'
OURS = {'memory': 'ours, in memory', 'truth_file': 'ours, truth from file',
        'files': 'ours, both from files'}
THEIRS = {'cityscapesscripts': 'theirs, both from files',
          'cityscapesscripts_computation': 'theirs, less reading'}

Labels = npt.NDArray[np.uint16]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be chosen."""
    parser.add_argument('--size', type=image_size, default='1024x2048', metavar='HxW',
                        help='size of the label images (default: %(default)s)')
    parser.add_argument('--pairs', type=int, default=10,
                        help='image pairs to evaluate (default: %(default)s)')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """
    Evaluate the same pairs both ways in one process and report medians, ratios and both PQ.

    A pair is the ground truth of two successive frames of a drive.  ``memory`` is what evaluating
    a model costs once the truth is read, ``truth_file`` includes that; ``cityscapesscripts``
    reads both from files always, ``cityscapesscripts_computation`` is the same run without it.

    Raises
    ------
    ImportError
        cityscapesscripts is not installed.

    """
    with needed('the benchmark', 'cityscapesscripts', 'pip install cityscapesscripts'):
        official = import_module(OFFICIAL)
    height, width = args.size
    space = LabelSpace.load('cityscapes')
    drive = Drive(seed=0, size=(height, width))
    measures = {name: PanopticQuality(space) for name in OURS}
    theirs = official.PQStat()
    taken: dict[str, list[float]] = {name: [] for name in (*OURS, *THEIRS)}
    with TemporaryDirectory() as temporary, _timed_reading(official) as reading:
        folder = Path(temporary)
        writer = CocoPanopticWriter(folder, space)
        categories = {category['id']: category for category in writer.categories}
        for index in track(range(args.pairs), 'evaluating'):
            truth, prediction = (drive.frame((index + shift) / 10)[1].labels for shift in (0, 1))
            pair = writer.add('truth', truth), writer.add('prediction', prediction)
            for name, labels in (('truth', truth), ('prediction', prediction)):
                image_files.write(folder / f'{name}_16.png', labels)
            dataset = _cityscapes(folder, truth, space)
            if not index:       # compiles
                PanopticQuality(space).update(prediction, truth)
            read = _readers(folder, prediction, truth, dataset)
            for name, measure in measures.items():
                start = perf_counter()
                measure.update(*read[name]())
                taken[name].append(perf_counter() - start)
            reading.clear()
            with redirect_stdout(StringIO()):
                start = perf_counter()
                theirs += official.pq_compute_single_core(
                    0, [pair], str(folder), str(folder), categories)
                whole = perf_counter() - start
            taken['cityscapesscripts'].append(whole)
            taken['cityscapesscripts_computation'].append(whole - sum(reading))
    median = {name: 1e3 * float(np.median(seconds)) for name, seconds in taken.items()}
    quality = {name: measure.compute().all.pq for name, measure in measures.items()}
    expected = 100 * float(theirs.pq_average(categories, isthing=None)[0]['pq'])
    ratios = {name: {other: median[other] / median[name] for other in THEIRS} for name in OURS}
    print_table(
        f'one {height}x{width} pair, one process, median of {args.pairs}; theirs is '
        'cityscapesscripts', ('', 'ms', 'PQ', 'times theirs', 'less reading'),
        (*((title, median[name], quality[name], *ratios[name].values())
           for name, title in OURS.items()),
         *((title, median[name], expected, '', '') for name, title in THEIRS.items())))
    return {'size': [height, width], 'pairs': args.pairs, 'median_ms': median, 'ratios': ratios,
            'pq': {'panoptic_ros': quality['memory'], 'cityscapesscripts': expected}}


def _readers(folder: Path, prediction: Labels, truth: Labels,
             dataset: Cityscapes) -> dict[str, Callable[[], tuple[Labels, Labels]]]:
    return {'memory': lambda: (prediction, truth),
            'truth_file': lambda: (prediction, dataset.truth(0)),
            'files': lambda: (read_labels(folder / 'prediction_16.png'),
                              read_labels(folder / 'truth_16.png'))}


@contextmanager
def _timed_reading(official: ModuleType) -> Iterator[list[float]]:
    """Yield a list that receives the seconds of each file that the official evaluator reads."""
    seconds: list[float] = []
    pillow = official.Image

    def timed(path: str) -> Any:
        start = perf_counter()
        image = pillow.open(path)
        image.load()
        seconds.append(perf_counter() - start)
        return image

    official.Image = SimpleNamespace(open=timed)     # type: ignore[attr-defined]
    try:
        yield seconds
    finally:
        official.Image = pillow     # type: ignore[attr-defined]


def _cityscapes(folder: Path, truth: Labels, space: LabelSpace) -> Cityscapes:
    """Write a truth as Cityscapes does, beside an image that is not read."""
    dataset_ids = np.array([category.dataset_id for category in space.categories])
    label = np.arange(len(space) * space.label_divisor)
    dataset_id, instance = dataset_ids[label // space.label_divisor], label % space.label_divisor
    ids = np.zeros(UNLABELED + 1, np.uint16)
    ids[label] = np.where(instance > 0, dataset_id * 1000 + instance - 1, dataset_id)
    frame = 'val/street/street_000000_000000'
    image_files.write(folder / f'leftImg8bit/{frame}_leftImg8bit.png',
                      np.zeros((1, 1), np.uint16))
    image_files.write(folder / f'gtFine/{frame}_gtFine_instanceIds.png', ids[truth])
    return Cityscapes(folder)
