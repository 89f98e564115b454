"""Held-out streets seen by another camera: the image changes, and the labels with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..datasets.dataset import Image, Labels
from ..streets import Drive
from .held_out import HeldOutStreets, moment


@dataclass(frozen=True)
class Viewpoint:
    """
    How a camera differs from the one that plain drives have.

    It takes the place of the cameras by which varied drives differ.
    """

    zoom: float = 1.0
    """Its focal length, as a multiple."""
    pitch: float = 0.0
    """How much farther down it looks, in radians; below zero the horizon sinks."""
    aspect: float | None = None
    """Its width over its height; None for the drive's.  The longer side is the drive's, or else
    the shorter."""

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the (height, width) of its image inside the (height, width) of a drive's."""
        height, width = size
        if self.aspect is None:
            return size
        if self.aspect * height > width:
            return max(32, round(width / self.aspect)), width
        return height, max(32, round(height * self.aspect))

    def frame(self, streets: HeldOutStreets, index: int) -> tuple[Image, Labels]:
        """Render a frame (H, W, 3) BGR and its labels (H, W) of the drive of that frame."""
        seed = streets.first_seed + range(len(streets))[index]
        drive = Drive(seed, self.size(streets.size), replace(streets.variety, cameras=False))
        drive.focal *= self.zoom
        drive.pitch += self.pitch
        return drive.image_and_labels(moment(seed))


VIEWPOINTS: Mapping[str, Viewpoint] = {
    'zoomed in': Viewpoint(zoom=1.5),
    'zoomed out': Viewpoint(zoom=0.67),
    'looking down': Viewpoint(pitch=0.1),
    'looking up': Viewpoint(pitch=-0.1),
    'aspect 3.3:1': Viewpoint(aspect=3.3),
    'aspect 4:3': Viewpoint(aspect=4 / 3),
}
"""Other cameras, by name."""
