"""How varied drives are: plain ones, or ones as varied as real streets and beyond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Variety:
    """
    What a drive has besides the plain scene, each part by itself.

    A part that is off changes no byte of a drive.
    """

    textures: bool = False
    """Whether surfaces have the textures of what they are made of, in place of flat paint."""
    light: bool = False
    """Whether light, lens and sensor are those of a photograph: hard shadows, blown-out skies,
    flare, sharpening, noise and compression."""
    cameras: bool = False
    """Whether cameras differ in height, pitch, field of view, horizon and bonnet."""
    contents: bool = False
    """Whether streets hold what plain ones lack: clutter, other vehicles, houses and plants."""
    random: bool = False
    """Whether colours and textures go beyond what is plausible: domain randomisation (Tobin et
    al., IROS 2017)."""


PLAIN = Variety()
VARIED = Variety(textures=True, light=True, cameras=True, contents=True, random=True)
VARIETIES: Mapping[str, Variety] = {'plain': PLAIN, 'varied': VARIED}
"""The varieties that commands take, by name."""


def name_of(variety: Variety) -> str:
    """Return the name of a variety; one without a name is named by its parts."""
    for name, known in VARIETIES.items():
        if variety == known:
            return name
    return '-'.join(part.name for part in fields(variety) if getattr(variety, part.name))
