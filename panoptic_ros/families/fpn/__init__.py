"""Panoptic-FPN (Kirillov et al., CVPR 2019): from its detections and stuff to the label image."""

from __future__ import annotations

from .detections import Detections
from .family import FAMILY, Layout, detections_of
from .methods import decode, warm_up
from .options import Options

__all__ = ['FAMILY', 'Detections', 'Layout', 'Options', 'decode', 'detections_of', 'warm_up']
