"""The measurement on held-out frames that follows a training, with its contact sheet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import overlay
from ..datasets.dataset import Dataset, Labels
from ..datasets.parts import spread
from ..evaluation.mean_iou import MeanIoU
from ..evaluation.overlaps import Overlaps
from ..evaluation.panoptic_quality import PanopticQuality
from ..images import files as image_files
from ..labels import UNLABELED, LabelSpace
from ..panoptic import Panoptic
from ..pipelines.cpu import CpuPipeline
from ..segmenter import Segmenter
from ..sheets import Picture, caption, sheet, tile, tile_of_labels

if TYPE_CHECKING:
    from ..engine import Engine

SHARE = 0.05
"""The share of a training's time that may be spent on measuring."""
ROWS = 4
"""Frames on the contact sheet."""
_FEWEST, _MOST = 4, 200
"""Limits of the number of frames, where there are so many."""
_TITLES = ('camera', 'truth', 'network')


class Training(NamedTuple):
    """What a measurement needs to know of the training that it follows."""

    seconds: Callable[[], float]
    """Returns the seconds of training that a measurement follows."""
    stopped: Callable[[], bool]
    """Tells whether the training is to end, for which nobody waits long."""


class HeldOut:
    """
    Measures a network on held-out frames, the same ones each time, and draws some.

    How many they are is found in the first measurement, so that one takes little of the time.

    Parameters
    ----------
    engine
        The network as it is at each call.
    frames
        The held-out frames.
    picture
        The file of the contact sheet.
    training
        The training that it follows: how long it took, and whether it is to end.

    """

    def __init__(self, engine: Engine, frames: Dataset, picture: Path,
                 training: Training) -> None:
        self._engine, self._frames, self._picture = engine, frames, picture
        self._training = training
        self._part = spread(frames, 0)

    def __call__(self) -> tuple[dict[str, Any], str]:
        """
        Return the figures, in percent, as plain data and in words.

        A network that cannot be measured yet, or a frame or picture that is in the way, is a text
        in both: a training goes on.
        """
        try:
            return self._measure()
        except (OSError, ValueError) as error:
            return {'error': str(error)}, f'the held-out frames are not measured: {error}'

    def _measure(self) -> tuple[dict[str, Any], str]:
        segmenter = Segmenter(CpuPipeline(self._engine))
        if not len(self._part):
            self._part = spread(self._frames, self._affordable(segmenter))
        space, count = self._frames.label_space, len(self._part)
        quality, iou = PanopticQuality(space), MeanIoU(space)
        shown = set(np.linspace(0, count - 1, min(ROWS, count)).round().astype(int).tolist())
        rows: list[tuple[Picture, ...]] = []
        drawn: list[Panoptic] = []
        for index in range(count):
            if self._training.stopped():
                raise ValueError('the training is to end')
            image, truth = self._part[index]
            found = segmenter(image)
            overlaps = Overlaps.measure(found, truth, space)
            quality.add(overlaps)
            iou.add(overlaps)
            if index in shown:
                true = Panoptic.from_labels(_numbered(truth, space), space)
                rows.append(_row(image, true, found, self._part.names[index]))
                drawn += [true, found]
        image_files.write(self._picture, sheet(_TITLES, rows, drawn))
        figures = {'frames': count, 'panoptic_quality': quality.compute().to_dict(),
                   'mean_iou': iou.compute().to_dict()}
        return figures, self._words(figures)

    def _affordable(self, segmenter: Segmenter) -> int:
        """Return for how many frames there is time, by that of one after the first."""
        ends = []
        for index in (0, len(self._frames) // 2):
            image, truth = self._frames[index]
            Overlaps.measure(segmenter(image), truth, self._frames.label_space)
            ends.append(perf_counter())
        seconds = max(ends[1] - ends[0], 1e-3)
        return int(np.clip(SHARE * self._training.seconds() / seconds, _FEWEST, _MOST))

    def _words(self, figures: dict[str, Any]) -> str:
        quality, iou = figures['panoptic_quality'], figures['mean_iou']
        return (f'held out: PQ {_percent(quality["all"]["pq"])} (things '
                f'{_percent(quality["things"]["pq"])}, stuff {_percent(quality["stuff"]["pq"])}), '
                f'mIoU {_percent(iou["mean"])}, pixel accuracy '
                f'{_percent(iou["pixel_accuracy"])} on {figures["frames"]} frames; '
                f'{self._picture}')


def _row(image: npt.NDArray[np.uint8], truth: Panoptic, found: Panoptic,
         name: str) -> tuple[Picture, ...]:
    camera = tile(np.asarray(image)).copy()
    caption(camera, name)
    return (camera, *(overlay.colorize(tile_of_labels(panoptic)) for panoptic in (truth, found)))


def _numbered(truth: Labels, space: LabelSpace) -> Labels:
    """Return a truth whose crowd has a number, as a result has none."""
    labels = np.arange(UNLABELED + 1, dtype=np.uint16)
    labels[np.array(space.thing_ids, int) * space.label_divisor] += np.uint16(space.max_instances)
    return np.asarray(labels[truth])


def _percent(value: float | None) -> str:
    return 'unknown' if value is None else f'{value:.1f}'
