"""
Photometric randomisation of training crops, so that a network learns shapes rather than looks.

Each crop is given another light, colour, texture, lens and sensor, at random and beyond what is
plausible; its labels stay.  This is domain randomisation (Tobin et al., IROS 2017), with the
mixing of spectra of Fourier-based augmentation (Xu et al., CVPR 2021).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from ..datasets.dataset import Image, Labels
from .fields import pink, smooth

Pixels = npt.NDArray[np.float32]
"""(H, W, 3) BGR from 0 to about 1."""
Random = np.random.Generator


def randomised(image: Image, labels: Labels, random: Random) -> Image:
    """
    Return an image (H, W, 3) BGR with another look; labels (H, W) tell which pixels go together.

    Everything follows from the state of ``random``.
    """
    pixels = image.astype(np.float32) / np.float32(255)
    for chance, change in _SCENE:
        if random.random() < chance:
            pixels = change(pixels, labels, random)
    pixels = np.asarray(cv2.transform(np.ascontiguousarray(pixels), _color_matrix(random)),
                        np.float32)
    for chance, blur in _LENS:
        if random.random() < chance:
            pixels = blur(pixels, random)
    result = np.asarray(cv2.LUT((pixels.clip(0, 1) * 255).astype(np.uint8),
                                _tone_curves(random)), np.uint8)
    for chance, record in _SENSOR:
        if random.random() < chance:
            result = record(result, random)
    return result


def _repainted(pixels: Pixels, labels: Labels, random: Random) -> Pixels:
    """Give each segment a colour and a roughness of its own, and keep a part of its shading."""
    present, where = np.unique(labels, return_inverse=True)
    count = len(present)
    gain = np.exp(random.normal(0, 0.15, (count, 3)) + random.normal(0, 0.25, (count, 1)))
    color = random.uniform(0, 1, (count, 1)) + random.normal(0, 0.15, (count, 3))
    share = random.uniform(0, 0.75, (count, 1)) * (random.random((count, 1)) < 0.5)
    rough = random.uniform(0, 0.4, count) * (random.random(count) < 0.6)
    scale, offset = (gain * (1 - share)).astype(np.float32), (color * share).astype(np.float32)
    where = where.reshape(labels.shape)
    field = pink(labels.shape, random) * rough.astype(np.float32)[where]
    return np.asarray((pixels * scale[where] + offset[where]) * np.exp(field)[..., None])


def _spectrum_mixed(pixels: Pixels, _: Labels, random: Random) -> Pixels:
    """Mix the amplitudes of the spectrum with those of 1/f noise; the phases stay."""
    height, width = pixels.shape[:2]
    spectrum = torch.fft.rfft2(torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))))
    amplitude = spectrum.abs() + 1e-4
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequency = torch.hypot(rows, columns).clamp(min=1 / max(height, width))
    noise = frequency ** -float(random.uniform(0.7, 1.5))
    noise = noise * torch.from_numpy(random.uniform(0.3, 1.7, noise.shape).astype(np.float32))
    noise = noise * (amplitude.mean() / noise.mean())
    share = float(random.uniform(0.1, 0.6))
    ratio = ((1 - share) + share * noise / amplitude).clamp(0.3, 3.0)
    ratio[:, 0, 0] = 1
    mixed = torch.fft.irfft2(spectrum * ratio, s=(height, width)).numpy()
    return np.ascontiguousarray(mixed.transpose(1, 2, 0))


def _grained(pixels: Pixels, _: Labels, random: Random) -> Pixels:
    """Multiply by 1/f noise, the texture of most natural surfaces; sometimes in each channel."""
    shape = pixels.shape[:2]
    strength = float(random.uniform(0.05, 0.35))
    field = pink(shape, random)[..., None]
    if random.random() < 0.4:
        field = field + 0.4 * np.dstack([pink(shape, random) for _ in range(3)])
    return np.asarray(pixels * np.exp(strength * field))


def _lit_unevenly(pixels: Pixels, _: Labels, random: Random) -> Pixels:
    """Multiply by a smooth field."""
    field = smooth(pixels.shape[:2], random)
    return np.asarray(pixels * np.exp(float(random.uniform(0.1, 0.4)) * field)[..., None])


def _shadowed(pixels: Pixels, _: Labels, random: Random) -> Pixels:
    """Put a part into shadow, with an edge from soft to hard."""
    field = smooth(pixels.shape[:2], random) + 0.15 * pink(pixels.shape[:2], random)
    steepness = (random.uniform(5, 60) * (random.uniform(-0.3, 1.2) - field)).clip(-30, 30)
    mask = (1 / (1 + np.exp(steepness))).astype(np.float32)
    tint = np.exp(random.normal(0, 0.06, 3)) * random.uniform(0.25, 0.8)
    return np.asarray(pixels * (1 - mask[..., None] * (1 - tint.astype(np.float32))))


def _color_matrix(random: Random) -> Pixels:
    """Draw a matrix (3, 3) of hue, saturation, white balance and exposure."""
    often = random.random() < 0.7
    angle = random.normal(0, 0.25) if often else random.uniform(-0.3, 0.3) * np.pi
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    hue = cos * np.eye(3) + (1 - cos) / 3 + sin * turn     # about the axis of greys
    amount = random.uniform(0, 0.5) if random.random() < 0.25 else random.uniform(0.5, 1.7)
    saturation = amount * np.eye(3) + (1 - amount) * np.tile([0.114, 0.587, 0.299], (3, 1))
    balance = np.diag(np.exp(random.normal(0, 0.12, 3)))
    exposure = np.exp(random.normal(0, 0.3))
    if random.random() < 0.2:
        exposure *= random.uniform(1.3, 2.2)       # parts are blown out
    return np.asarray(exposure * balance @ saturation @ hue, np.float32)


def _veiled(pixels: Pixels, random: Random) -> Pixels:
    """Lay haze or glare over everything."""
    share = float(random.uniform(0.05, 0.4))
    return pixels * (1 - share) + share * float(random.uniform(0.5, 1.0))


def _focused(pixels: Pixels, random: Random) -> Pixels:
    """Blur, sharpen, or lose detail by a coarser raster."""
    kind = random.random()
    if kind < 0.5:
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.3, 1.7)))
    if kind < 0.85:
        blurred = cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.6, 2.0))
        return np.asarray(pixels + np.float32(random.uniform(0.3, 1.8)) * (pixels - blurred))
    height, width = pixels.shape[:2]
    factor = random.uniform(0.4, 0.8)
    coarse = cv2.resize(pixels, (int(width * factor) or 1, int(height * factor) or 1),
                        interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(coarse, (width, height)))


def _tone_curves(random: Random) -> npt.NDArray[np.uint8]:
    """Draw a look-up table (256, 1, 3): gamma, contrast, offset and a curve of each channel."""
    level, knots = np.linspace(0, 1, 256), np.linspace(0, 1, 5)
    gamma, contrast = np.exp(random.normal(0, 0.3)), np.exp(random.normal(0, 0.25))
    pivot = random.uniform(0.3, 0.6)
    table = np.empty((256, 1, 3), np.uint8)
    for channel in range(3):
        curve = level ** (gamma * np.exp(random.normal(0, 0.08)))
        curve = ((curve - pivot) * contrast + pivot).clip(0, 1)
        bent = np.sort(knots + np.r_[0, random.normal(0, 0.05, 3), 0])
        curve = np.interp(curve, knots, bent) + random.normal(0, 0.03)
        table[:, 0, channel] = (curve * 255).round().clip(0, 255)
    return table


def _noisy(image: Image, random: Random) -> Image:
    """Add noise, grey or of each channel."""
    deviation = 255 * random.uniform(0.005, 0.05)
    shape = image.shape if random.random() < 0.6 else (*image.shape[:2], 1)
    noise = random.standard_normal(shape, np.float32) * np.float32(deviation)
    return np.asarray((image + noise).clip(0, 255).astype(np.uint8))


def _compressed(image: Image, random: Random) -> Image:
    """Encode as JPEG and decode."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(30, 96))]
    found: Any = cv2.imdecode(cv2.imencode('.jpg', image, quality)[1], cv2.IMREAD_COLOR)
    return np.asarray(found, np.uint8)


_SCENE: tuple[tuple[float, Callable[[Pixels, Labels, Random], Pixels]], ...] = (
    (0.4, _repainted), (0.25, _spectrum_mixed), (0.5, _grained), (0.4, _lit_unevenly),
    (0.4, _shadowed))
_LENS: tuple[tuple[float, Callable[[Pixels, Random], Pixels]], ...] = (
    (0.15, _veiled), (0.75, _focused))
_SENSOR: tuple[tuple[float, Callable[[Image, Random], Image]], ...] = (
    (0.5, _noisy), (0.6, _compressed))
"""The chance of each change, in the order from the scene to the file."""
