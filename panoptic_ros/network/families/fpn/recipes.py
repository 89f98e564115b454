"""The recipes of Panoptic-FPN: none, as the losses of its detections are not here."""

from __future__ import annotations

from collections.abc import Mapping

from ...recipe import Recipe
from .config import FpnConfig

NETWORKS: Mapping[str, FpnConfig] = {}
"""The networks that can be trained here, by name."""

RECIPES: Mapping[str, Recipe] = {}
"""The recipe for each kind of data."""
