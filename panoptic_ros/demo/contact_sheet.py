"""A contact sheet, the picture of a whole drive: camera, panoptic colours, objects."""

from __future__ import annotations

from collections.abc import Sequence

from .. import overlay
from ..sheets import Picture, caption, sheet, tile, tile_of_labels
from .answers import Answer

COLUMNS = ('camera', 'panoptic label image', 'objects')


def contact_sheet(chosen: Sequence[Answer]) -> Picture:
    """
    Return a sheet with a row for each answer and the legend of the classes that occur.

    Raises
    ------
    ValueError
        There is no answer to show.

    """
    return sheet(COLUMNS, [_row(answer) for answer in chosen],
                 [answer.panoptic for answer in chosen])


def _row(answer: Answer) -> tuple[Picture, ...]:
    """Draw at the tile's own size, so that captions stay readable."""
    image, panoptic = tile(answer.image), tile_of_labels(answer.panoptic)
    camera = image.copy()
    caption(camera, f't = {answer.seconds:.1f} s')
    objects = overlay.draw(image, panoptic, opacity=0.35)
    caption(objects, f'{len(answer.panoptic.things)} objects')
    return camera, overlay.colorize(panoptic), objects
