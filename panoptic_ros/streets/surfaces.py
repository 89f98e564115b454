"""Which material, plane and light each identity of a frame has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from .appearance import Shadows, Surfaces, Tone
from .atmosphere import Atmosphere
from .camera import NEAR, Camera, Floats
from .classes import FIRST_THING, Kind
from .ground import Ground
from .illumination import Illumination
from .materials import Material, Materials
from .patterns import DENSITY, bank
from .photograph import METER, METER_RANGE
from .road import CURB, Road
from .scene import Presence
from .variety import Variety
from .view import View

_GROUND = (Kind.ROAD, Kind.SIDEWALK, Kind.TERRAIN)
_PLANES = (Kind.BUILDING, Kind.WALL, Kind.FENCE)
_ROUND = {Kind.PERSON: 4.0, Kind.RIDER: 4.0, Kind.POLE: 12.0}
"""How fast light and shade change across round things, per metre."""
_PERIOD = 64.0
_BONNET = 255


class Dressing:
    """Textures, light and random colours of one drive, put on its finished canvases."""

    def __init__(self, seed: int, variety: Variety, light: Atmosphere, ground: Ground) -> None:
        self.variety, self.light = variety, light
        self.materials = Materials(seed, variety)
        self.illumination = Illumination(seed, light, ground.road, self.materials.wild)
        self.seed = seed
        self.markings = (9.0, 0.0)
        if variety.textures:
            up = float(light.shade(np.array([[0.0, 1, 0]])).mean())
            between = (np.mean(ground.paint) * np.mean(ground.asphalt)) ** 0.5 * up / 255
            self.markings = (float(between ** 2.2), self.materials.worn)

    def put_on(self, view: View, solid: Sequence[Presence],
               identities: Sequence[Mapping[Kind, int]],
               tone: Callable[[Floats], Tone]) -> npt.NDArray[np.uint8]:
        """
        Return the image (H, W, 3) of the finished canvas.

        ``tone`` is told the light (N, 3) of some pixels that are not sky.
        """
        from .dressing import dress  # numba, which plain drives need not have

        base = float(np.floor(view.camera.position[2] / _PERIOD) * _PERIOD)
        shadows = self.illumination.shadows(base)
        frame = _Frame(self, view.camera, shadows, base)
        for kind in _GROUND:
            frame.ground(kind)
        frame.sky()
        frame.upright(int(Kind.BUILDING), Kind.BUILDING, 0)     # of the backdrop
        frame.upright(int(Kind.VEGETATION), Kind.VEGETATION, 0)
        frame.bonnet()
        for presence, mine in zip(solid, identities, strict=True):
            for kind, identity in mine.items():
                if kind in _PLANES:
                    frame.facade(identity, kind, presence, view.road)
                elif kind not in _GROUND:
                    frame.object(identity, kind, presence, view.road)
        canvas = view.painter.canvas
        step = max(1, canvas.shape[0] // 64)
        sample = np.empty((canvas.shape[0] // step, canvas.shape[1] // step, 3), np.uint8)
        dress(canvas, frame.surfaces, bank(), shadows, METER, sample)
        below = canvas[::step, ::step, 3][:len(sample), :sample.shape[1]] != Kind.SKY
        toned = tone(np.square(sample[below] / 255) * METER_RANGE)
        out = np.empty((*canvas.shape[:2], 3), np.uint8)
        dress(canvas, frame.surfaces, bank(), shadows, toned, out)
        return out


class _Frame:
    """The surfaces of one frame."""

    def __init__(self, dressing: Dressing, camera: Camera, shadows: Shadows,
                 base: float) -> None:
        self.surfaces = Surfaces.blank()
        self.materials, self.light = dressing.materials, dressing.illumination
        self.is_lit = dressing.variety.light
        self.seed, self.markings = dressing.seed, dressing.markings
        self.camera, self.shadows, self.base = camera, shadows, base
        if self.is_lit:
            self.surfaces.gain[:] = self.light.ambient
            self.surfaces.sun[:] = 0.4 * self.light.sun
        self.rays = camera.rotation.T @ np.linalg.inv(camera.matrix)

    def ground(self, kind: Kind) -> None:
        """Lay a kind of ground on its plane."""
        i = int(kind)
        origin = np.array([0, 0.0 if kind == Kind.ROAD else CURB, self.base])
        self._plane(i, 0, origin, np.array([1.0, 0, 0]), np.array([0, 0, 1.0]))
        self._wear(i, self.materials.of(kind, 0))
        if kind == Kind.ROAD:
            self.surfaces.wear[i] = self.markings
        up = max(float(self.light.direction[1]), 0.25) ** 0.5
        self._shine(i, 0, up)
        self.surfaces.shadow[i] = 1
        self.surfaces.leaves[i] = self.light.leaves

    def sky(self) -> None:
        """Let the sky shine."""
        i = int(Kind.SKY)
        self._wear(i, self.materials.of(Kind.SKY, 0))
        self.surfaces.plane[i, :] = np.array([1, 0, 0, 0, 2.5, 0, 0, 0, 90 * self._scale])
        if self.is_lit:
            self.surfaces.gain[i], self.surfaces.sun[i] = self.light.sky, 0

    def bonnet(self) -> None:
        """Let the own bonnet mirror."""
        self._wear(_BONNET, self.materials.of(-1, self.seed % 997))
        self.surfaces.plane[_BONNET, :] = np.array([1, 0, 0, 0, 1, 0, 0, 0, 400 * self._scale])
        self._shine(_BONNET, 0, 0.3)

    @property
    def _scale(self) -> float:
        return self.camera.size[0] / 512

    def upright(self, identity: int, kind: Kind, key: int) -> None:
        """Hang something far away on a plane that turns with the camera."""
        forward, origin = self.camera.rotation[2], self.camera.position
        self._plane(identity, 0, origin + 150 * forward, self.camera.rotation[0],
                    -self.camera.rotation[1])
        self._wear(identity, self.materials.of(kind, key))
        self._shine(identity, 0, 0.5)
        if kind == Kind.VEGETATION:
            self.surfaces.shadow[identity] = 3

    def facade(self, identity: int, kind: Kind, presence: Presence, road: Road) -> None:
        """Dress the front of a house or wall along the road, and the end toward the camera."""
        actor, place = presence.actor, presence.place
        sign = 1.0 if place.d > 0 else -1.0
        up = np.array([0, 1.0, 0])
        near, far = (road.point(place.s + way * actor.length / 2,
                                place.d - sign * actor.width / 2) for way in (-1, 1))
        along = (far - near) / (np.linalg.norm(far - near) + 1e-9)
        outward = np.array([along[2], 0, -along[0]]) * -sign
        self._plane(identity, 0, near, along, up, shift=float(near[2] - self.base))
        key = round(7 * place.s) + round(31 * place.d)
        self._wear(identity, self.materials.of(kind, key))
        sun = self.light.direction
        facing = max(float(outward @ sun), 0.0)
        self._shine(identity, 0, facing)
        self.surfaces.shadow[identity] = 2 if kind == Kind.BUILDING else 0
        self.surfaces.leaves[identity] = 0.8 * self.light.leaves
        if actor.width > 1:
            self._plane(identity, 1, near, outward, up)
            self._shine(identity, 1, max(float(-along @ sun), 0.0))
            spot = self.camera.to_camera(near[None])
            if spot[0, 2] > NEAR:
                self.surfaces.edge[identity] = self.camera.pixels(spot)[0, 0], sign

    def object(self, identity: int, kind: Kind, presence: Presence, road: Road) -> None:
        """Dress something that stands by itself."""
        place = presence.place
        foot = road.point(place.s, place.d, place.height)
        depth = float((foot - self.camera.position) @ self.camera.rotation[2])
        forward = self.camera.rotation[2]
        origin = foot + forward * max(NEAR - depth, 0.0)
        self._plane(identity, 0, origin, self.camera.rotation[0], -self.camera.rotation[1])
        key = (presence.instances[kind] if kind >= FIRST_THING
               else round(7 * place.s) + round(31 * place.d))
        self._wear(identity, self.materials.of(kind, key))
        sun = self.light.lit(self.shadows, np.array([foot[0], foot[2] - self.base]))
        self.surfaces.rise[identity, 1] = presence.actor.tall / 2
        self._shine(identity, 0, 0.6 * (0.1 + 0.9 * sun))
        if kind == Kind.VEGETATION:
            self.surfaces.shadow[identity] = 3
            return
        self.surfaces.leaves[identity] = 0.7 * self.light.leaves
        if kind in _ROUND:
            right = float(self.camera.rotation[0] @ self.light.direction)
            self.surfaces.rise[identity, 2] = right * _ROUND[kind]

    def _plane(self, identity: int, number: int, origin: Floats, along: Floats, up: Floats,
               shift: float = 0.0) -> None:
        a, b = along.tolist(), up.tolist()      # np.cross takes long for one pair
        normal = np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                           a[0] * b[1] - a[1] * b[0]])
        away = float(normal @ (origin - self.camera.position))
        away = away if abs(away) > 1e-3 else 1e-3
        w = normal @ self.rays / away
        start = self.camera.position - origin
        u = along @ self.rays + (start @ along + shift) * w
        v = up @ self.rays + (start @ up) * w
        self.surfaces.plane[identity, number] = np.concatenate([u, v, w])

    def _wear(self, identity: int, material: Material) -> None:
        s = self.surfaces
        s.pattern[identity] = material.pattern
        s.grain[identity] = (8 * max(1, round(DENSITY[material.pattern] / material.scale / 8)),
                             material.contrast, material.stains)
        s.shift[identity] = material.shift
        s.paint[identity, :3], s.paint[identity, 3] = material.paint, material.share
        s.tint[identity] = material.tint
        s.rise[identity, 0] = material.rise
        s.mirror[identity] = material.mirror
        s.gain[identity, :] = material.gain
        s.hole[identity, 0] = material.hole
        horizon = self.light.ambient if self.is_lit else np.ones(3)
        s.hole[identity, 1:] = 0.7 * horizon * (self.light.sky if self.is_lit else 1.0)

    def _shine(self, identity: int, number: int, facing: float) -> None:
        if self.is_lit:
            s = self.surfaces
            s.sun[identity, number] = s.gain[identity, 0] * self.light.sun * facing
            sky = 1.0 if identity in _GROUND else self.light.aside
            s.gain[identity, number] = s.gain[identity, number] * self.light.ambient * sky
