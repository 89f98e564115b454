"""
Changes of an image that leave its labels true, as light, lens, sensor and transport make them.

The idea, and many of the kinds, are those of ImageNet-C (Hendrycks and Dietterich, ICLR 2019) and
of Kamann and Rother (CVPR 2020), who take it to segmentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from zlib import crc32

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
_Floats = npt.NDArray[np.float32]
_Change = Callable[[Image, np.random.Generator], Image]

_GAMMA = 2.2
_AIRLIGHT = (212, 206, 200)
_SHADE = (0.36, 0.31, 0.28)
"""What a hard shadow leaves of blue, green and red: it is lit by the sky alone."""


def corrupt(image: Image, name: str, seed: int) -> Image:
    """
    Return an image as one of the ``CORRUPTIONS`` makes it.

    Parameters
    ----------
    image
        (H, W, 3) uint8, BGR; it is not changed.
    name
        One of ``CORRUPTIONS``.
    seed
        What is random follows from it and from the name: the same seed gives the same bytes.

    Raises
    ------
    ValueError
        There is no such corruption, or the seed is negative.

    """
    if name not in CORRUPTIONS:
        raise ValueError(f'no corruption {name!r}: expected one of {", ".join(CORRUPTIONS)}')
    if seed < 0:
        raise ValueError(f'seed is {seed}: expected 0 or more')
    return CORRUPTIONS[name](image, np.random.default_rng([seed, crc32(name.encode())]))


def _curve(image: Image, curve: Callable[[_Floats], _Floats]) -> Image:
    """Map the levels, from 0 to 1, of every channel."""
    levels: _Floats = np.arange(256, dtype=np.float32) / np.float32(255)
    return np.asarray(cv2.LUT(image, _bytes(255 * curve(levels))), np.uint8)


def _bytes(values: npt.NDArray[Any]) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _contrast(gain: float, image: Image, _: np.random.Generator) -> Image:
    mean = float(image.mean()) / 255
    return _curve(image, lambda x: mean + gain * (x - mean))


def _exposure(stops: float, image: Image, _: np.random.Generator) -> Image:
    """Let in more or less light; the sensor saturates at its limit."""
    gain = 2.0 ** stops
    return _curve(image, lambda x: np.minimum(gain * x ** _GAMMA, 1) ** (1 / _GAMMA))


def _shadows(image: Image, random: np.random.Generator) -> Image:
    """Cast shadows with edges of a pixel or two over a third of the image or so."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(5):
        center = random.uniform((0, 0.3), (1, 1))
        angles = np.sort(random.uniform(0, 2 * np.pi, 7))
        reach = random.uniform(0.08, 0.3, (7, 1)) * (1, 0.9)
        corners = center + reach * np.stack([np.cos(angles), np.sin(angles)], 1)
        cv2.fillPoly(mask, [np.rint(corners * (width, height)).astype(np.int32)], 255)
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.5, height / 700))[..., np.newaxis] / 255
    return _bytes(image * (1 - soft * (1 - np.array(_SHADE, np.float32))))


def _defocus(image: Image, _: np.random.Generator) -> Image:
    """Spread every point over a disk."""
    radius = 3 * image.shape[0] / 512
    reach = int(np.ceil(radius))
    y, x = np.ogrid[-reach:reach + 1, -reach:reach + 1]
    disk = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return np.asarray(cv2.filter2D(image, -1, disk / disk.sum()), np.uint8)


def _motion(image: Image, random: np.random.Generator) -> Image:
    """Move every point along a line of a random direction."""
    reach = max(1, round(7 * image.shape[0] / 512))
    angle = random.uniform(0, np.pi)
    tip = (reach * np.array([np.cos(angle), np.sin(angle)])).round().astype(int)
    line = np.zeros((2 * reach + 1,) * 2, np.uint8)
    cv2.line(line, (reach - tip[0], reach - tip[1]), (reach + tip[0], reach + tip[1]), 255, 1,
             cv2.LINE_AA)
    return np.asarray(cv2.filter2D(image, -1, line / line.sum()), np.uint8)


def _noise(image: Image, random: np.random.Generator) -> Image:
    """Add the noise of photons, which grows with the light, and that of reading out."""
    light = image.astype(np.float32)
    grain = random.standard_normal(image.shape, np.float32)
    return _bytes(light + grain * np.sqrt(16 + 0.35 * light))


def _jpeg(quality: int, image: Image, _: np.random.Generator) -> Image:
    done, content = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)


def _balance(gains: tuple[float, float, float], image: Image, _: np.random.Generator) -> Image:
    return _bytes(image * np.array(gains, np.float32))


def _haze(image: Image, _: np.random.Generator) -> Image:
    """Veil what is far, which on a plain is what lies near the horizon or above it."""
    below = np.linspace(0, 1, image.shape[0], dtype=np.float32)[:, np.newaxis, np.newaxis] - 0.45
    left = np.exp(-0.12 / np.maximum(below, 0.1))
    return _bytes(image * left + (1 - left) * np.array(_AIRLIGHT, np.float32))


def _sharpen(image: Image, _: np.random.Generator) -> Image:
    """Overdo an unsharp mask, as small cameras do."""
    blurred = cv2.GaussianBlur(image, (0, 0), 1.2)
    return np.asarray(cv2.addWeighted(image, 2.5, blurred, -1.5, 0), np.uint8)


def _gray(image: Image, _: np.random.Generator) -> Image:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR),
                      np.uint8)


CORRUPTIONS: Mapping[str, _Change] = {
    'low contrast': partial(_contrast, 0.45),
    'high contrast': partial(_contrast, 1.8),
    'dark': partial(_exposure, -2.5),
    'blown out': partial(_exposure, 1.7),
    'hard shadows': _shadows,
    'defocus': _defocus,
    'motion blur': _motion,
    'noise': _noise,
    'jpeg 90': partial(_jpeg, 90),
    'jpeg 50': partial(_jpeg, 50),
    'jpeg 20': partial(_jpeg, 20),
    'warm': partial(_balance, (0.72, 1.0, 1.22)),
    'cold': partial(_balance, (1.25, 1.0, 0.75)),
    'haze': _haze,
    'sharpened': _sharpen,
    'gray': _gray,
}
"""What changes an image (H, W, 3) BGR, by name; lengths in pixels grow with its height."""
