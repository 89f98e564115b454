"""Writing the labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .marks import Marks, list_runs
from .patches import OPEN, CodeImage
from .workers import Tickets, inner, int64, take_ticket


@inner
def paint(tickets: Tickets, image: CodeImage, label_of: npt.NDArray[np.uint16], runs: Marks
          ) -> None:
    """
    Turn a code image into labels, in its ``pixels``.

    Parameters
    ----------
    tickets
        As ``run`` gives them.
    image
        The codes.
    label_of
        (codes,) label of each code.
    runs
        Scratch for a row's patches.

    """
    rows = len(image.patches)
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            return
        paint_lines(image, row, int64(image.axes.y.starts[row]),
                    int64(image.axes.y.starts[row + 1]), label_of, runs)


@inner
def paint_lines(image: CodeImage, row: int, top: int, bottom: int,
                label_of: npt.NDArray[np.uint16], runs: Marks) -> None:
    """
    Turn some lines of pixels into labels.

    Parameters
    ----------
    image
        The codes.
    row
        The row of patches that the lines belong to.
    top, bottom
        The lines, half-open.
    label_of
        (codes,) label of each code.
    runs
        Scratch for the row's patches.

    """
    patches, pixels, starts = image.patches[row], image.pixels, image.axes.x.starts
    if top >= bottom:
        return
    for run in range(list_runs(patches, runs)):
        start, end = runs.places[run], runs.places[run + 1]
        code, left, right = patches[start], int64(starts[start]), int64(starts[end])
        if code == OPEN:
            for y in range(top, bottom):
                line = pixels[y, left:right]
                for x in range(len(line)):
                    line[x] = label_of[line[x]]
        else:
            label = label_of[code]
            for y in range(top, bottom):
                pixels[y, left:right] = label
