"""Stable instance numbers from frame to frame."""

from .renumbering import warm_up
from .tracker import Tracker, TrackingOptions

__all__ = ['Tracker', 'TrackingOptions', 'warm_up']
