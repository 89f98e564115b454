"""Stable instance numbers from frame to frame."""

from .renumbering import warm_up
from .tracker import INSTANCE_PICTURES, Tracker, TrackingOptions

__all__ = ['INSTANCE_PICTURES', 'Tracker', 'TrackingOptions', 'warm_up']
