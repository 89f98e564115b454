"""The classes that streets draws, by their Cityscapes training id."""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """The class that a pixel shows; its value is the training id in label space ``cityscapes``."""

    ROAD = 0
    SIDEWALK = 1
    BUILDING = 2
    WALL = 3
    FENCE = 4
    POLE = 5
    TRAFFIC_LIGHT = 6
    TRAFFIC_SIGN = 7
    VEGETATION = 8
    TERRAIN = 9
    SKY = 10
    PERSON = 11
    RIDER = 12
    CAR = 13
    TRUCK = 14
    BUS = 15
    TRAIN = 16
    MOTORCYCLE = 17
    BICYCLE = 18


FIRST_THING = Kind.PERSON

VOID = len(Kind)
"""The identity of what no class fits: its pixels are unlabelled."""
