"""What lens, sensor and camera make of the light of a varied drive."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from .appearance import Tone
from .camera import Floats

Image = npt.NDArray[np.uint8]
_SPARE = 64


METER_RANGE = 4.0
_GAMMA = 2.2
_LEVELS = np.arange(4096)[:, None] / 1024
_LIGHT = ((np.arange(256) / 255) ** _GAMMA).astype(np.float32)
METER = Tone(_LIGHT, np.clip(255.5 * np.sqrt(_LEVELS / METER_RANGE), 0, 255).astype(
    np.uint8).repeat(3, 1), 1.0, 0.0)
"""A tone that keeps light up to ``METER_RANGE``, as its square root."""


def plain_tone(light: Floats) -> Tone:
    """Return a tone that keeps all values."""
    del light
    return Tone(_LIGHT, np.clip(255 * _LEVELS ** (1 / _GAMMA) + 0.5, 0, 255).astype(
        np.uint8).repeat(3, 1), 1.0, 0.0)


@lru_cache(maxsize=2)
def _grain(height: int, width: int) -> npt.NDArray[np.int16]:
    rng = np.random.default_rng([33, height, width])
    luma = rng.standard_normal((height + _SPARE, width + _SPARE, 1), np.float32)
    chroma = rng.standard_normal((height + _SPARE, width + _SPARE, 3), np.float32)
    return np.asarray(48 * (0.8 * luma + 0.6 * chroma), np.int16)


class Photograph:
    """The lens, the sensor and the camera's processing in one drive."""

    def __init__(self, seed: int, size: tuple[int, int], random: bool) -> None:
        rng = np.random.default_rng([seed, 14])
        self.seed, self.size = seed, size
        scale = size[0] / 512
        self._display = _curve(rng, random and bool(rng.random() < 0.25))
        self._fall = float(rng.uniform(0, 0.6))
        self._middle = float(np.exp(rng.normal(np.log(0.075), 0.5)))
        """The light that the exposure turns the middle of the frame's into."""
        self.saturation = rng.uniform(0.1, 0.6) if rng.random() < 0.15 else rng.uniform(0.8, 1.7)
        self.veil = rng.uniform(0.05, 0.45) if rng.random() < 0.35 else 0.0
        self.aberration = rng.normal(0, 0.0012) if rng.random() < 0.4 else 0.0
        self.blur = rng.uniform(0.25, 1.5) * scale if rng.random() < 0.6 else 0.0
        self.halo = rng.uniform(0.3, 1.6) if rng.random() < 0.5 else 0.0
        self.halo_width = rng.uniform(0.7, 2.2) * max(scale, 0.5)
        self.video = rng.uniform(0.5, 0.85) if rng.random() < 0.25 else 1.0
        self.noise = float(np.exp(rng.uniform(np.log(0.4), np.log(6))))
        self.quality = int(rng.integers(30, 99)) if rng.random() < 0.6 else 0

    def tone(self, light: Floats) -> Tone:
        """Return the tone for a frame from the light (N, 3) of its pixels."""
        middle = float(np.exp(np.log(light.mean(1) + 0.004).mean())) if len(light) else 0.2
        return Tone(_LIGHT, self._display, self._middle / middle, self._fall)

    def develop(self, canvas: Image, time: float) -> Image:
        """Turn a canvas of light that is toned already (H, W, 4) into a picture (H, W, 3)."""
        height, width = self.size
        image = cv2.cvtColor(canvas, cv2.COLOR_BGRA2BGR)
        if self.veil:
            small = cv2.resize(image, (max(1, width // 16), max(1, height // 16)),
                               interpolation=cv2.INTER_AREA)
            glow = cv2.resize(cv2.GaussianBlur(small, (0, 0), 3), (width, height),
                              interpolation=cv2.INTER_LINEAR)
            image = cv2.addWeighted(image, 1 - self.veil, glow, self.veil, 0)
        if self.saturation != 1:
            gray = np.tile([0.114, 0.587, 0.299], (3, 1)) * (1 - self.saturation)
            image = cv2.transform(image, np.eye(3) * self.saturation + gray)
        if self.aberration:
            image = self._spread(np.asarray(image, np.uint8))
        if self.blur > 0.25:
            image = cv2.GaussianBlur(image, (0, 0), self.blur)
        x, y = np.random.default_rng([self.seed, 15, round(time * 1e6)]).integers(0, _SPARE, 2)
        noise = _grain(height, width)[y:y + height, x:x + width]
        image = cv2.addWeighted(image, 1, noise, self.noise / 48, 0, dtype=cv2.CV_8U)
        if self.video < 1:
            small = cv2.resize(image, (round(width * self.video), round(height * self.video)),
                               interpolation=cv2.INTER_AREA)
            image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        if self.halo:
            soft = cv2.GaussianBlur(image, (0, 0), self.halo_width)
            image = cv2.addWeighted(image, 1 + self.halo, soft, -self.halo, 0)
        if self.quality:
            data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1]
            return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
        return np.asarray(image, np.uint8)

    def _spread(self, image: Image) -> Image:
        """Enlarge red and shrink blue a little."""
        height, width = self.size
        out = image.copy()
        for channel, factor in ((0, 1 - self.aberration), (2, 1 + self.aberration)):
            matrix = np.array([[factor, 0, (1 - factor) * width / 2],
                               [0, factor, (1 - factor) * height / 2]])
            moved = cv2.warpAffine(cv2.extractChannel(image, channel), matrix, (width, height),
                                   borderMode=cv2.BORDER_REPLICATE)
            cv2.insertChannel(moved, out, channel)
        return out


def _curve(rng: np.random.Generator, wild: bool) -> Image:
    """Draw white balance, contrast and curve; return display values, see ``Tone``."""
    balance = np.exp(rng.normal(0, 0.2 if wild else 0.07, 3))
    level = _LEVELS * balance
    if rng.random() < 0.5:                      # a soft shoulder, or values that are cut off
        knee = rng.uniform(0.5, 2.0)
        level = level * (1 + level / (1 + knee) ** 2) / (1 + level)
        level = level * 1.3
    display = np.clip(level, 0, 1) ** (1 / rng.uniform(1.7, 2.6))
    contrast = np.exp(rng.normal(0.03, 0.22))
    pivot = rng.uniform(0.3, 0.55)
    display = (display - pivot) * contrast + pivot + rng.normal(0.01, 0.03)
    if rng.random() < 0.25:                     # haze in the lens, a dull picture
        low = rng.uniform(0.03, 0.2)
        display = low + display * (rng.uniform(0.75, 0.98) - low)
    return np.asarray(np.clip(display * 255 + 0.5, 0, 255), np.uint8)
