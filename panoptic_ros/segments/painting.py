"""Writing the labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .patches import OPEN, CodeImage
from .workers import Tickets, inner, take_ticket


@inner
def paint(tickets: Tickets, image: CodeImage, label_of: npt.NDArray[np.uint16]
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

    """
    _, patches, pixels = image
    y_starts, x_starts = image.axes.y.starts, image.axes.x.starts
    rows, columns = patches.shape
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            return
        top, bottom = y_starts[row], y_starts[row + 1]
        column = 0
        while column < columns and top < bottom:
            start, code = column, patches[row, column]
            while column < columns and patches[row, column] == code:
                column += 1
            tile = pixels[top:bottom, x_starts[start]:x_starts[column]]
            if code == OPEN:
                for y in range(tile.shape[0]):
                    for x in range(tile.shape[1]):
                        tile[y, x] = label_of[tile[y, x]]
            else:
                tile[:] = label_of[code]
