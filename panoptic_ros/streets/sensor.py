"""What lens and sensor do to an image: blur, vignette, exposure and noise."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from .atmosphere import Atmosphere


class Sensor:
    """The optics and the sensor of one drive; they never touch the labels."""

    def __init__(self, light: Atmosphere, size: tuple[int, int]) -> None:
        height, width = size
        rng = np.random.default_rng([light.seed, 2])
        y, x = np.ogrid[-1:1:height * 1j, -1:1:width * 1j]
        fall = 255 * (1 - light.vignette * ((x ** 2 + y ** 2) / 2) ** 1.2)
        self.vignette = np.repeat(fall.astype(np.uint8)[..., None], 3, axis=2)
        grain = rng.standard_normal((height + 32, width + 32, 3), np.float32)
        self.noise = np.clip(grain * light.noise + 128, 0, 255).astype(np.uint8)
        levels = np.arange(256)[:, None] / 255
        self.curve = np.clip(255 * (levels * light.gain) ** light.gamma, 0, 255).astype(
            np.uint8)[None]
        self.blur = light.blur * height / 512
        self.seed = light.seed

    def develop(self, canvas: npt.NDArray[np.uint8], time: float) -> npt.NDArray[np.uint8]:
        """Turn the canvas's colours (H, W, 4) into a camera image (H, W, 3)."""
        image = cv2.cvtColor(canvas, cv2.COLOR_BGRA2BGR)
        image = cv2.GaussianBlur(image, (0, 0), max(self.blur, 0.3))
        image = cv2.multiply(image, self.vignette, scale=1 / 255)
        image = cv2.LUT(image, self.curve)
        x, y = np.random.default_rng([self.seed, round(time * 1e6)]).integers(0, 32, 2)
        height, width = image.shape[:2]
        noise = self.noise[y:y + height, x:x + width]
        return np.asarray(cv2.addWeighted(image, 1, noise, 1, -128), np.uint8)
