"""The networks of all families that are trained here, by name, with their recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import families
from .recipe import Recipe

if TYPE_CHECKING:
    from .family import Configuration


def presets() -> dict[str, Configuration]:
    """Return the networks by name; it needs no PyTorch."""
    return {name: config for family in families.names()
            for name, config in _module(family).NETWORKS.items()}


def recipes(family: str) -> Mapping[str, Recipe]:
    """Return a family's recipes for the kinds of data in ``recipe.KINDS``."""
    found: Mapping[str, Recipe] = _module(family).RECIPES
    return found


def recipe(config: Configuration, kind: str) -> Recipe:
    """Return the recipe for a network and a kind of data."""
    found = recipes(config.family)[kind]
    if getattr(config, 'align_corners', False):
        return replace(found, crop=(found.crop[0] + 1, found.crop[1] + 1))
    return found


def _module(family: str) -> Any:
    return import_module(f'.families.{family}.recipes', __package__)
