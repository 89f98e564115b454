"""Panoptic quality of 1024x2048 pairs: this package against cityscapesscripts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from rich.progress import track

from ..arguments import image_size, whole
from ..evaluation import PanopticQuality
from ..evaluation.coco_panoptic import CocoPanopticWriter
from ..evaluation.label_files import LabelFolders
from ..images import files as image_files
from ..labels import LabelSpace
from ..libraries import needed
from ..report import print_table
from ..streets import Drive

OFFICIAL = 'cityscapesscripts.evaluation.evalPanopticSemanticLabeling'
OURS, THEIRS = 'panoptic_ros', 'cityscapesscripts'
WAYS = {'files': 'from PNG files', 'counting': 'without reading them'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``benchmark evaluation``."""
    parser.add_argument('--size', type=image_size, default='1024x2048', metavar='HxW',
                        help='size of the label images (default: %(default)s)')
    parser.add_argument('--pairs', type=whole(1), default=10,
                        help='image pairs to evaluate (default: %(default)s)')
    parser.add_argument('--runs', type=whole(1), default=5,
                        help='number of runs; the lowest and the highest median are reported '
                        '(default: %(default)s)')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """
    Evaluate the same pairs with both packages in one process; report medians, ratios and both PQ.

    A pair is the ground truth of two successive frames of a drive.  Each package reads files of
    its own format and counts: 16-bit label images, and COCO's panoptic PNG.  The time without
    reading is the whole time less the time of the reading.  Ratios are those of single pairs.

    Raises
    ------
    ImportError
        cityscapesscripts is not installed.

    """
    with needed('the benchmark', 'cityscapesscripts', 'pip install cityscapesscripts'):
        official = import_module(OFFICIAL)
    with TemporaryDirectory() as temporary:
        pairs = _Pairs(official, Path(temporary), args.size)
        for index in track(range(args.pairs), 'rendering'):
            pairs.render(index)
        pairs.measure(0)        # compiles
        pairs.forget()
        seconds = np.array([[pairs.measure(index) for index in range(args.pairs)]
                            for _ in track(range(args.runs), 'evaluating')])
    taken = {way: {name: (1e3 * np.median(seconds[:, :, place, side], axis=1)).tolist()
                   for side, name in enumerate((OURS, THEIRS))}
             for place, way in enumerate(WAYS)}
    # A machine's speed changes, so a ratio compares the two times of one pair, which are close.
    ratios = {way: np.median(seconds[:, :, place, 1] / seconds[:, :, place, 0], axis=1).tolist()
              for place, way in enumerate(WAYS)}
    height, width = args.size
    print_table(
        f'PQ of one {height}x{width} pair, in one process: milliseconds, medians of {args.pairs} '
        f'pairs, from the lowest to the highest of {args.runs} runs', ('', 'PQ', *WAYS.values()),
        (*((name, pairs.quality(name), *(_span(taken[way][name]) for way in WAYS))
           for name in (OURS, THEIRS)),
         ('times as fast', '', *(_span(ratios[way]) for way in WAYS))))
    return {'size': [height, width], 'pairs': args.pairs, 'runs': args.runs,
            'median_ms': taken, 'ratios': ratios,
            'pq': {name: pairs.quality(name) for name in (OURS, THEIRS)}}


class _Pairs:
    """Rendered pairs, in files for both packages."""

    def __init__(self, official: ModuleType, folder: Path, size: tuple[int, int]) -> None:
        self._official, self._folder = official, folder
        self._space = LabelSpace.load('cityscapes')
        self._drive = Drive(seed=0, size=size)
        self._writer = CocoPanopticWriter(folder / 'coco', self._space)
        self._categories = {category['id']: category for category in self._writer.categories}
        self._annotations: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.forget()

    def forget(self) -> None:
        """Forget all counts."""
        self._ours, self._theirs = PanopticQuality(self._space), self._official.PQStat()

    def render(self, index: int) -> None:
        """Write the files of the next pair."""
        images = {name: self._drive.frame((index + shift) / 10)[1].labels
                  for name, shift in (('truth', 0), ('prediction', 1))}
        for name, labels in images.items():
            image_files.write(self._folder / name / f'{index}.png', labels)
        truth, prediction = (self._writer.add(f'{name}_{index}', labels)
                             for name, labels in images.items())
        self._annotations.append((truth, prediction))

    def measure(self, index: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the seconds of both packages, first from files, then without reading."""
        folders = LabelFolders(self._folder / 'prediction', self._folder / 'truth')
        start = perf_counter()
        prediction, truth, _ = folders(f'{index}.png')
        read = perf_counter()
        self._ours.update(prediction, truth)
        end = perf_counter()
        coco = str(self._folder / 'coco')
        with _timed_reading(self._official) as reading, redirect_stdout(StringIO()):
            begin = perf_counter()
            self._theirs += self._official.pq_compute_single_core(
                0, [self._annotations[index]], coco, coco, self._categories)
            whole = perf_counter() - begin
        return (end - start, whole), (end - read, whole - sum(reading))

    def quality(self, name: str) -> float:
        """Return the PQ in percent that one package found for all pairs."""
        if name == OURS:
            return self._ours.compute().all.pq
        return 100 * float(self._theirs.pq_average(self._categories, isthing=None)[0]['pq'])


def _span(values: Sequence[float]) -> str:
    return f'{min(values):.1f} to {max(values):.1f}'


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
