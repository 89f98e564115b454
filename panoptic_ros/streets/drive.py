"""A drive through a procedural street: camera images with exact panoptic ground truth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace
from ..panoptic import Panoptic
from .atmosphere import Atmosphere
from .backdrop import Backdrop
from .camera import Camera, Floats
from .classes import FIRST_THING, Kind
from .ground import Ground
from .layouts import lay_out
from .objects.side_street import SideStreet
from .order import far_to_near
from .painter import Painter
from .photograph import Photograph, plain_tone
from .road import Road
from .scene import Presence, Scene
from .sensor import Sensor
from .sight import Box, boxes_of, footprint, unhidden
from .surfaces import Dressing
from .variety import PLAIN, Variety
from .view import View
from .viewpoint import BONNET, Viewpoint
from .weather import relit

_FIRST_IDENTITY = 20
_LAST_IDENTITY = 254


class Drive:
    """
    A drive through a street that is made up from a seed.

    Parameters
    ----------
    seed
        Everything follows from it: the same seed, size, variety and time give the same bytes,
        in any process and after any other calls.
    size
        (height, width) of the camera image in pixels.
    variety
        What the drive has besides the plain scene.

    Raises
    ------
    ValueError
        The seed is negative or the size under 32 pixels.

    Notes
    -----
    An object keeps its label through the whole drive; instance numbers are not dense.
    A thing is not drawn at all when less than ten pixels of its height are seen (in an image of
    512 rows, and in proportion).

    """

    def __init__(self, seed: int, size: tuple[int, int] = (512, 1024),
                 variety: Variety = PLAIN) -> None:
        if min(size) < 32:
            raise ValueError(f'size is {size}: expected (height, width) of at least 32 pixels')
        if seed < 0:
            raise ValueError(f'seed is {seed}: expected 0 or more')
        self.seed, self.size, self.variety = seed, size, variety
        self.label_space = LabelSpace.load('cityscapes')
        rng = np.random.default_rng([seed, 7])
        self.road = Road.draw(rng)
        if variety.contents:
            self.road = lay_out(seed, self.road)
        self.light = Atmosphere.draw(rng)
        if variety.light:
            self.light = relit(self.light, seed)
        self.ground = Ground(rng, self.road)
        self.backdrop = Backdrop(rng)
        self.scene = Scene(seed, rng, self.road, self.light, variety)
        self.sensor = Sensor(self.light, size)
        self.focal = float(max(size[1], 1.6 * size[0]) * rng.uniform(0.82, 1.0))
        self.high = float(rng.uniform(1.3, 1.6))
        self.sway = rng.uniform(0, 6.28, 4)
        self.pitch = float(rng.uniform(-0.01, 0.03))
        self.bonnet = bool(rng.random() < 0.35)
        self.bonnet_color = rng.uniform(25, 170) * np.ones(3)
        self.viewpoint = Viewpoint.draw(seed, size) if variety.cameras else None
        self.dressing = (Dressing(seed, variety, self.light, self.ground)
                         if variety.textures or variety.light or variety.random else None)
        self.photograph = Photograph(seed, size, variety.random) if variety.light else None

    def frame(self, time: float) -> tuple[npt.NDArray[np.uint8], Panoptic]:
        """
        Return the BGR image (H, W, 3) at a time in seconds and its ground truth.

        Raises
        ------
        ValueError
            The time is negative or over a million.

        """
        image, labels = self.image_and_labels(time)
        return image, Panoptic.from_labels(labels, self.label_space)

    def image_and_labels(self, time: float) -> tuple[npt.NDArray[np.uint8],
                                                      npt.NDArray[np.uint16]]:
        """Return the image and the label image (H, W) uint16, without the table of segments."""
        if not 0 <= time < 1e6:
            raise ValueError(f'time is {time}: expected seconds from 0 to a million')
        canvas = np.zeros((*self.size, 4), np.uint8)
        view = self._view(time, Painter(canvas))
        s = self.scene.camera_s(time)
        self.backdrop.draw(view)
        self.ground.draw(view, s)
        solid, boxes = self._in_sight(view, s)
        table, identities = self._draw(view, solid, boxes)
        image = self._develop(view, solid, identities)
        return image, np.asarray(table[canvas[..., 3]])

    def _develop(self, view: View, solid: list[Presence],
                 identities: list[dict[Kind, int]]) -> npt.NDArray[np.uint8]:
        """Turn the finished canvas into the camera's image."""
        canvas = view.painter.canvas
        if self.dressing is not None:
            tone = plain_tone if self.photograph is None else self.photograph.tone
            canvas[..., :3] = self.dressing.put_on(view, solid, identities, tone)
        return (self.photograph or self.sensor).develop(canvas, view.time)

    def visible_shares(self, time: float) -> dict[int, float]:
        """
        Return for each thing of a frame, by its label, how much of it nothing hides.

        The measure is the share of its pixels that are seen, of the pixels that it covers when it
        is drawn alone. What lies outside the image does not count as hidden.
        """
        _, labels = self.image_and_labels(time)
        seen = np.bincount(labels.ravel(), minlength=UNLABELED + 1)
        view = self._view(time, Painter(np.zeros((*self.size, 4), np.uint8)))
        solid, _ = self._in_sight(view, self.scene.camera_s(time))
        shares = {}
        for presence in solid:
            for kind, instance in presence.instances.items():
                label = kind * self.label_space.label_divisor + instance
                if not seen[label]:
                    continue
                alone = np.zeros((*self.size, 4), np.uint8)
                presence.actor.draw(replace(view, painter=Painter(alone)), presence.place,
                                    {kind: 1})
                shares[label] = float(seen[label] / np.count_nonzero(alone[..., 3]))
        return shares

    def _in_sight(self, view: View, s: float) -> tuple[list[Presence], list[Box]]:
        """Finish the ground; return what stands on it and is in sight, far to near."""
        around = self.scene.around(view.time)
        footprints = np.array([footprint(presence) for presence in around]).reshape(-1, 4)
        boxes = boxes_of(view.camera, self.road, around, footprints)
        shown: list[tuple[Presence, Floats, Box]] = []
        for presence, foot, box in zip(around, footprints, boxes, strict=True):
            if box is None:
                continue
            if isinstance(presence.actor, SideStreet):
                presence.actor.draw(view, presence.place, {})
            else:
                shown.append((presence, foot, box))
        self.ground.finish(view, [(p.actor, p.place) for p, _, _ in shown])
        feet = np.array([foot for _, foot, _ in shown]).reshape(-1, 4)
        order = far_to_near(feet, (s, self._lane))
        solid = [shown[i][0] for i in order]
        kept_boxes = [shown[i][2] for i in order]
        kept = unhidden(view.camera, self.road, solid, feet[order], kept_boxes)
        return ([p for p, keep in zip(solid, kept, strict=True) if keep],
                [box for box, keep in zip(kept_boxes, kept, strict=True) if keep])

    def _draw(self, view: View, solid: list[Presence],
              boxes: list[Box]) -> tuple[npt.NDArray[np.uint16], list[dict[Kind, int]]]:
        """
        Draw far to near, leaving out things too small to be kept.

        Return the label of each identity, and the identities of what stands on the ground.
        """
        table = np.full(256, UNLABELED, np.uint16)
        table[:FIRST_THING] = np.arange(FIRST_THING) * self.label_space.label_divisor
        identities: list[dict[Kind, int]] = []
        things: dict[int, int] = {}
        following = _FIRST_IDENTITY
        for index, presence in enumerate(solid):
            mine: dict[Kind, int] = {}
            for kind in presence.actor.kinds:
                if kind < FIRST_THING:
                    mine[kind] = int(kind)
                elif following <= _LAST_IDENTITY:
                    mine[kind] = following
                    table[following] = (kind * self.label_space.label_divisor
                                        + presence.instances[kind])
                    things[following] = index
                    following += 1
            identities.append(mine)
        if self.dressing is not None:       # what is no thing is dressed by itself, too
            for mine in reversed(identities):
                for kind in [kind for kind in mine if kind < FIRST_THING]:
                    if following <= _LAST_IDENTITY:
                        mine[kind] = following
                        table[following] = table[kind]
                        following += 1
        canvas = view.painter.canvas
        ground = canvas.copy()
        for presence, mine in zip(solid, identities, strict=True):
            presence.actor.draw(view, presence.place, mine)
        self._draw_bonnet(view)
        while True:
            small = self._small(canvas, {i: boxes[n] for i, n in things.items()})
            if not small:
                return table, identities
            for identity, _ in small:
                owner = identities[things.pop(identity)]
                for kind in [kind for kind, value in owner.items() if value == identity]:
                    del owner[kind]
            for _, window in small:
                if window is not None:
                    self._redraw(view, ground, window, solid, identities, boxes)

    def _small(self, canvas: npt.NDArray[np.uint8], boxes: dict[int, Box],
               ) -> list[tuple[int, Box | None]]:
        """Return the things of which too little is seen, with the window of their pixels."""
        scale = self.size[0] / 512
        out: list[tuple[int, Box | None]] = []
        plane = cv2.extractChannel(canvas, 3)
        for identity, (x0, y0, x1, y1) in boxes.items():
            seen = (plane[y0:y1, x0:x1] == identity).view(np.uint8)
            x, y, width, height = cv2.boundingRect(seen)
            if not width:
                out.append((identity, None))
            elif (height < 10 * scale or width < 4 * scale
                  or cv2.countNonZero(seen) < 90 * scale ** 2):
                out.append((identity, (x0 + x, y0 + y, x0 + x + width, y0 + y + height)))
        return out

    def _redraw(self, view: View, ground: npt.NDArray[np.uint8], window: Box,
                solid: list[Presence], identities: list[dict[Kind, int]],
                boxes: list[Box]) -> None:
        """Draw a window of the canvas again."""
        x0, y0, x1, y1 = window
        region = view.painter.canvas[y0:y1, x0:x1]
        region[:] = ground[y0:y1, x0:x1]
        part = replace(view, painter=Painter(region, (x0, y0)))
        for presence, mine, (a0, b0, a1, b1) in zip(solid, identities, boxes,
                                                    strict=True):
            if a0 < x1 and x0 < a1 and b0 < y1 and y0 < b1:
                presence.actor.draw(part, presence.place, mine)
        self._draw_bonnet(part)

    def _view(self, time: float, painter: Painter) -> View:
        s = self.scene.camera_s(time)
        a, b, c, d = self.sway
        way = self.viewpoint
        focal, high, pitch, roll, center = (
            (self.focal, self.high, self.pitch, 0.0, None) if way is None else
            (way.focal, way.high, way.pitch, way.roll, way.center))
        position = self.road.point(s, self._lane + 0.15 * np.sin(.4 * time + a),
                                   high + .012 * np.sin(7 * time + b))
        camera = Camera(
            self.size, focal, position,
            self.road.heading(s + 6) + .008 * np.sin(.5 * time + c),
            pitch + .003 * np.sin(5 * time + d), roll + .006 * np.sin(1.1 * time + a), center)
        return View(camera, painter, self.light, self.road, time, self.variety)

    @property
    def _lane(self) -> float:
        """Metres from the road's middle to where the camera drives."""
        return self.road.lane_center + (0.0 if self.viewpoint is None else self.viewpoint.aside)

    def _draw_bonnet(self, view: View) -> None:
        if self.viewpoint is not None:
            if self.viewpoint.hood is not None:
                self.viewpoint.hood.draw_on(view.painter, self.size, float(view.light.mean[1]))
            return
        if not self.bonnet:
            return
        height, width = self.size
        x = np.linspace(-0.05, 1.05, 24)
        y = 0.955 + 0.16 * (x - 0.5) ** 2
        arch = np.stack([x * width, y * height], 1)
        corners = np.array([[1.05 * width, 1.1 * height], [-.05 * width, 1.1 * height]])
        color = self.bonnet_color * view.light.mean
        view.painter.shape(np.concatenate([arch, corners]), color.tolist(), BONNET)
        view.painter.line(arch + (0, 0.006 * height), 0.012 * height,
                          np.minimum(color * 1.5 + 20, 255).tolist(), BONNET)

