"""What a run of the demo shows: figures and pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .. import overlay
from ..bags.reader import Bag
from ..evaluation import PanopticQuality
from ..images import files as image_files
from ..labels import LabelSpace
from ..report import p50_p99
from ..videos.writer import write_video
from .answers import Answer, answers
from .contact_sheet import contact_sheet
from .recording import Recipe
from .session import Run

ROWS = 4
"""Rows of the contact sheet."""

END_TO_END = 'end to end'
"""The time from the demo's publish of an image until it receives the labels."""


def draw_and_measure(drive: Bag, output: Bag, folder: Path, recipe: Recipe, answered: int,
                     progress: Callable[[], None]) -> dict[str, Any]:
    """
    Go through the answers: write ``overlay.mp4`` and ``overlay.png``, return the quality.

    Parameters
    ----------
    drive, output
        The bags of the frames and of the answers.
    folder
        Where the pictures go.
    recipe
        The recipe of the drive.
    answered
        How many answers there are.
    progress
        Called after each.

    Raises
    ------
    BagError
        A bag is damaged, or the answers do not fit the frames.

    """
    space = LabelSpace.load('cityscapes')
    quality = PanopticQuality(space)
    shown = set(np.linspace(0, answered - 1, min(ROWS, answered) * 2 + 1, dtype=int)[1::2])
    rows: list[Answer] = []
    size = (recipe.height, recipe.width)
    with write_video(folder / 'overlay.mp4', size, recipe.fps) as video:
        for number, answer in enumerate(answers(drive, output, space)):
            quality.update(answer.panoptic.labels, answer.truth)
            video.write(overlay.draw(answer.image, answer.panoptic), answer.seconds)
            if number in shown:
                rows.append(answer)
            progress()
    image_files.write(folder / 'overlay.png', contact_sheet(rows))
    return quality.compute().to_dict()


def figures(run: Run) -> dict[str, Any]:
    """Return the frames and the latencies of a run, as plain data for JSON."""
    counted = run.frames
    frames = {'published': len(run.published), 'received': counted.get('received'),
              'segmented': len(run.answered), 'dropped': len(run.published) - len(run.answered),
              'rejected': counted.get('rejected'), 'failed': counted.get('failed')}
    latency: dict[str, dict[str, float]] = {}
    for key, value in run.statuses.get('latency', {}).items():
        if match := re.fullmatch(r'(\w+) (p50|p99) \[ms\]', key):
            latency.setdefault(match[1], {})[match[2]] = float(value)
    seconds = [run.answered[stamp] - start for stamp, start in run.published.items()
               if stamp in run.answered]
    p50, p99 = p50_p99(1000 * np.array(seconds))
    latency[END_TO_END] = {'p50': p50, 'p99': p99}
    engine = run.statuses.get('engine', {})
    return {'model': {key: engine[key] for key in ('model', 'network', 'input', 'runtime')
                      if key in engine},
            'frames': frames, 'latency_ms': latency,
            'replay_lateness_ms': asdict(run.lateness), 'not_recorded': run.lost}
