"""Stable instance numbers from frame to frame."""

from .tracker import INSTANCE_PICTURES, Tracker, TrackingOptions

__all__ = ['INSTANCE_PICTURES', 'Tracker', 'TrackingOptions']
