"""Procedural street scenes with exact panoptic ground truth."""

from .drive import Drive

__all__ = ['Drive']
