"""The picture of ``benchmark transport``: cumulative distributions of latencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ..images import encode

_SIZE, _MARGIN = (420, 900), (40, 160, 60, 60)
"""(height, width) of the picture; top, right, bottom and left margin of the axes; pixels."""

_COLORS = ((60, 60, 210), (190, 110, 30), (130, 130, 235), (220, 170, 110))
"""Colours of the curves in order, BGR."""

_INK, _FAINT = (60, 60, 60), (225, 225, 225)
_QUANTILES = np.linspace(0, 1, 201)


def plot_latencies(path: Path, latencies: Mapping[str, Sequence[float]]) -> None:
    """
    Draw the cumulative distribution of each rival's latencies, in milliseconds, to a PNG.

    Raises
    ------
    OSError
        The file cannot be written.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(draw_latencies(latencies), '.png', ()).tobytes())


def draw_latencies(latencies: Mapping[str, Sequence[float]]) -> npt.NDArray[np.uint8]:
    """Return the picture, (H, W, 3) BGR; its axis ends at the largest 99th percentile."""
    picture = np.full((*_SIZE, 3), 255, np.uint8)
    top, right, bottom, left = _MARGIN
    height, width = _SIZE[0] - top - bottom, _SIZE[1] - left - right
    last = max(float(np.quantile(times, 0.99)) for times in latencies.values())

    def place(milliseconds: float, share: float) -> tuple[int, int]:
        return (left + round(min(milliseconds / last, 1.0) * width),
                top + round((1 - share) * height))

    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        cv2.line(picture, place(0, share), place(last, share), _FAINT, 1)
        _write(picture, f'{share:.0%}', (8, place(0, share)[1] + 5))
    step = 10 ** np.floor(np.log10(last)) / (1 if last / 10 ** np.floor(np.log10(last)) > 4 else 4)
    for tick in np.arange(0, last, step):
        cv2.line(picture, place(tick, 0), place(tick, 1), _FAINT, 1)
        _write(picture, f'{tick:g}', (place(tick, 0)[0] - 8, top + height + 20))
    _write(picture, 'ms from publish of the image to receipt of the answer',
           (left, top + height + 45))
    for number, (name, times) in enumerate(latencies.items()):
        color = _COLORS[number % len(_COLORS)]
        curve = np.array([place(float(value), share) for value, share in
                          zip(np.quantile(times, _QUANTILES), _QUANTILES, strict=True)])
        cv2.polylines(picture, [curve], False, color, 2, cv2.LINE_AA)
        _write(picture, name, (left + width + 15, top + 20 + 24 * number), color)
    return picture


def _write(picture: npt.NDArray[np.uint8], text: str, where: tuple[int, int],
           color: tuple[int, int, int] = _INK) -> None:
    cv2.putText(picture, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, 1, cv2.LINE_AA)
