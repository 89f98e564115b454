"""Light and air: time of day, haze, and what lens and sensor do to the image."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp

import numpy as np
import numpy.typing as npt

from .camera import Camera, Floats
from .noise import fractal

_WEATHERS = {
    # sun elevation, sun, ambient, zenith, horizon (BGR), haze distance in metres
    'clear': (0.9, (0.52, 0.62, 0.66), (0.50, 0.46, 0.43), (215, 150, 90), (235, 215, 190),
              900),
    'cloudy': (0.9, (0.18, 0.19, 0.19), (0.68, 0.67, 0.66), (200, 188, 178), (228, 225, 222),
               500),
    'golden': (0.35, (0.32, 0.55, 0.78), (0.46, 0.40, 0.38), (190, 140, 110), (150, 195, 245),
               600),
    'dusk': (0.15, (0.22, 0.25, 0.34), (0.52, 0.42, 0.40), (105, 65, 50), (120, 140, 215),
             500),
    'mist': (0.6, (0.14, 0.14, 0.14), (0.66, 0.66, 0.65), (205, 203, 200), (216, 216, 215),
             170),
}
_SHARES = (0.36, 0.22, 0.16, 0.14, 0.12)


@dataclass(frozen=True, eq=False)
class Atmosphere:
    """The light and the air of one drive."""

    weather: str
    sun: Floats
    """(3,) unit vector to the sun."""
    sun_color: Floats
    ambient: Floats
    zenith: Floats
    horizon: Floats
    haze_length: float
    clouds: float
    gain: Floats
    gamma: float
    blur: float
    noise: float
    vignette: float
    seed: int
    mean: Floats = field(init=False)
    """(3,) light on a surface of no particular direction."""
    mean_list: list[float] = field(init=False, repr=False)
    haze_list: list[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, 'mean', self.ambient + 0.42 * self.sun_color)
        object.__setattr__(self, 'mean_list', self.mean.tolist())
        object.__setattr__(self, 'haze_list', self.haze_color.tolist())

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Atmosphere:
        """Draw the weather, the time of day and the camera's optics."""
        weather = str(rng.choice(list(_WEATHERS), p=_SHARES))
        elevation, sun, ambient, zenith, horizon, haze = _WEATHERS[weather]
        elevation *= rng.uniform(0.7, 1.2)
        azimuth = rng.uniform(0, 2 * np.pi)
        direction = np.array([np.cos(elevation) * np.sin(azimuth), np.sin(elevation),
                              np.cos(elevation) * np.cos(azimuth)])
        warmth = rng.uniform(-0.06, 0.06)
        gain = rng.uniform(0.95, 1.25) * np.array([1 - warmth, 1.0, 1 + warmth])
        return cls(weather, direction, np.array(sun) * rng.uniform(0.85, 1.15), np.array(ambient),
                   np.array(zenith) * rng.uniform(0.85, 1.1), np.array(horizon, float),
                   haze * rng.uniform(0.7, 1.4), rng.uniform(0, 0.8), gain,
                   rng.uniform(0.88, 1.15), rng.uniform(0.45, 0.8), rng.uniform(1.0, 4.0),
                   rng.uniform(0.05, 0.28), int(rng.integers(1 << 31)))

    @property
    def dark(self) -> bool:
        """Whether lamps and windows are lit."""
        return self.weather in ('dusk', 'mist')

    @property
    def haze_color(self) -> Floats:
        """The colour that far things fade to."""
        return self.horizon * 0.9

    def haze(self, depth: float) -> float:
        """Return the share of haze at a depth in metres."""
        return 1 - exp(-max(depth, 0.0) / self.haze_length)

    def shade(self, normals: Floats) -> Floats:
        """Return the light (N, 3) on surfaces with the unit normals (N, 3)."""
        facing = np.clip(normals @ self.sun, 0, 1)[:, None]
        sky = (0.86 + 0.14 * normals[:, 1])[:, None]
        return self.ambient * sky + self.sun_color * facing

    def sky(self, camera: Camera) -> npt.NDArray[np.uint8]:
        """Return the sky (rows, width, 3), down to the lowest row that the horizon may reach."""
        height, width = camera.size
        rows = min(height, int(height * 0.75))
        panorama = self._panorama(height, width)
        x = round(camera.focal * camera.yaw) % (2 * width)
        y = round(1.15 * height - camera.horizon())
        y = min(max(y, 0), panorama.shape[0] - rows)
        return panorama[y:y + rows, x:x + width]

    def _panorama(self, height: int, width: int) -> npt.NDArray[np.uint8]:
        key = (height, width)
        cache: dict[tuple[int, int], npt.NDArray[np.uint8]] = self.__dict__.setdefault('_sky', {})
        if key not in cache:
            rng = np.random.default_rng([self.seed, 1])
            up = np.clip(np.linspace(1.15, -0.6, round(height * 1.75)), 0, 1)[:, None, None]
            share = 1 - (1 - up) ** 2.2
            sky = self.horizon * (1 - share) + self.zenith * share
            shape = (len(up), width)
            cloud = fractal(rng, shape, cell=(height // 8, width // 4), octaves=4)
            amount = np.clip((cloud - 0.62 + 0.3 * self.clouds) * 3, 0, 1)[..., None]
            lit = np.minimum(self.horizon * 1.05, 250)
            cover = amount * np.clip(up * 3, 0, 1) * (0.85 if self.clouds > 0.25 else 0.3)
            turn = np.clip(sky * (1 - cover) + lit * cover, 0, 255).astype(np.uint8)
            cache[key] = np.hstack([turn, turn[:, ::-1], turn])
        return cache[key]
