"""The canvas that takes colour and label in one stroke."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

import cv2
import numpy as np
import numpy.typing as npt

from .camera import Floats

Color = Sequence[float]
"""Blue, green, red from 0 to 255."""

_SHIFT = 4


class Painter:
    """
    Draws on a canvas whose fourth channel holds the identity of the object that was drawn last.

    Colour and identity are written by the same call, so a pixel shows exactly what its
    identity says. Positions are pixels (x, y) of the whole image; ``origin`` is the pixel of
    the canvas's corner, where the canvas is only a part of it.
    """

    def __init__(self, canvas: npt.NDArray[np.uint8], origin: tuple[int, int] = (0, 0)) -> None:
        self.canvas = canvas
        self.origin = np.array(origin, np.float64)

    def fixed(self, points: Floats) -> npt.NDArray[np.int32]:
        """Turn pixels into the canvas's fixed-point coordinates."""
        return np.floor((points - self.origin) * (1 << _SHIFT)).astype(np.int32)

    def polygon(self, points: Floats, color: Color, identity: int) -> None:
        """Fill a convex polygon (N, 2)."""
        cv2.fillConvexPoly(self.canvas, self.fixed(points), (*color, identity), 8, _SHIFT)

    def polygons(self, points: Floats, parts: Sequence[tuple[int, int]],
                 colors: Sequence[Color], identity: int) -> None:
        """Fill convex polygons, each a range of rows of ``points``, in order."""
        fixed = self.fixed(points)
        canvas = self.canvas
        for (first, last), color in zip(parts, colors, strict=True):
            cv2.fillConvexPoly(canvas, fixed[first:last], (*color, identity), 8, _SHIFT)

    def shape(self, points: Floats, color: Color, identity: int) -> None:
        """Fill any simple polygon (N, 2)."""
        cv2.fillPoly(self.canvas, [self.fixed(points)], (*color, identity), 8, _SHIFT)

    def line(self, points: Floats, width: float, color: Color, identity: int, *,
             closed: bool = False) -> None:
        """Draw a line through points (N, 2), at least two pixels wide, with round joints."""
        cv2.polylines(self.canvas, [self.fixed(points)], closed, (*color, identity),
                      max(2, round(width)), 8, _SHIFT)

    def disc(self, center: Floats, radius: float, color: Color, identity: int) -> None:
        """Fill a circle."""
        x, y = self.fixed(center)
        cv2.circle(self.canvas, (int(x), int(y)), max(1, round(radius * (1 << _SHIFT))),
                   (*color, identity), -1, 8, _SHIFT)

    def tinted(self, points: Floats, color: Color, opacity: float, identity: int) -> None:
        """Fill a convex polygon that lets what is behind it shine through."""
        window = self._window(points)
        if window is None:
            return
        x0, y0, x1, y1 = window
        mask = self._mask(points, window)
        below = self.canvas[y0:y1, x0:x1]
        scale = np.zeros((4, 5))
        scale[:3, :3] = np.eye(3) * (1 - opacity)
        scale[:3, 4] = np.asarray(color) * opacity
        scale[3, 4] = identity
        cv2.copyTo(cv2.transform(below, scale), mask, below)

    def texture(self, outline: Floats, texture: npt.NDArray[np.uint8], matrix: Floats,
                tone: Floats, identity: int, opacity: float = 1.0) -> None:
        """
        Fill a convex polygon with a texture.

        Parameters
        ----------
        outline
            (N, 2) pixels.
        texture
            (h, w, 3) BGR.
        matrix
            (3, 3) from the texture's pixels to the image's.
        tone
            (3, 2): gain and offset of each channel.
        identity
            The identity of what is drawn.
        opacity
            Below 1, what is behind shines through.

        """
        window = self._window(outline)
        if window is None:
            return
        x0, y0, x1, y1 = window
        move = np.array([[1, 0, -x0 - self.origin[0]], [0, 1, -y0 - self.origin[1]], [0, 0, 1]])
        picture = cv2.warpPerspective(texture, move @ matrix, (x1 - x0, y1 - y0),
                                      flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        toned = cv2.transform(picture, _toning(tone, identity, 3))
        below = self.canvas[y0:y1, x0:x1]
        if opacity < 1:
            toned = cv2.addWeighted(toned, opacity, below, 1 - opacity, 0)
            toned[..., 3] = identity
        cv2.copyTo(toned, self._mask(outline, window), below)

    def sprite(self, sprite: npt.NDArray[np.uint8], corners: Floats, tone: Floats,
               identity: int) -> None:
        """Draw a texture (h, w, 4) with a mask; ``corners``: top left, top right, bottom left."""
        box = np.vstack([corners, corners[1] + corners[2] - corners[0]])
        window = self._window(box)
        if window is None:
            return
        x0, y0, x1, y1 = window
        height, width = sprite.shape[:2]
        source = np.array([[0, 0], [width, 0], [0, height]], np.float32)
        target = (corners - self.origin - (x0, y0)).astype(np.float32)
        picture = cv2.warpAffine(sprite, cv2.getAffineTransform(source, target),
                                 (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR,
                                 borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0))
        mask = (picture[..., 3] > 127).view(np.uint8)
        toned = cv2.transform(picture, _toning(tone, identity, 4))
        cv2.copyTo(toned, mask, self.canvas[y0:y1, x0:x1])

    def touches(self, points: Floats) -> bool:
        """Tell whether the box around points (N, 2) meets the canvas."""
        return self._window(points) is not None

    def _window(self, points: Floats) -> tuple[int, int, int, int] | None:
        height, width = self.canvas.shape[:2]
        left, top = points.min(0).tolist()
        right, bottom = points.max(0).tolist()
        x, y = self.origin.tolist()
        x0, y0 = max(0, floor(left - x) - 1), max(0, floor(top - y) - 1)
        x1, y1 = min(width, ceil(right - x) + 2), min(height, ceil(bottom - y) + 2)
        return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def _mask(self, points: Floats, window: tuple[int, int, int, int]) -> npt.NDArray[np.uint8]:
        x0, y0, x1, y1 = window
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        corner = np.array([x0, y0], np.int32) << _SHIFT
        cv2.fillConvexPoly(mask, self.fixed(points) - corner, (255,), 8, _SHIFT)
        return mask


def _toning(tone: Floats, identity: int, channels: int) -> Floats:
    matrix = np.zeros((4, channels + 1))
    matrix[[0, 1, 2], [0, 1, 2]] = tone[:, 0]
    matrix[:3, channels] = tone[:, 1]
    matrix[3, channels] = identity
    return matrix
