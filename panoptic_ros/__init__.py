"""
Camera panoptic segmentation for ROS 2.

>>> from panoptic_ros import Segmenter                      # doctest: +SKIP
>>> segmenter = Segmenter.open('models/streets.onnx')       # doctest: +SKIP
>>> panoptic = segmenter(bgr_image)                         # doctest: +SKIP
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .labels import UNLABELED, LabelSpace
    from .panoptic import Panoptic, Segments
    from .segmenter import Segmenter

__all__ = ['UNLABELED', 'LabelSpace', 'Panoptic', 'Segmenter', 'Segments']

os.environ['ORT_DISABLE_TELEMETRY'] = '1'   # before anybody imports ONNX Runtime: see security.md

_HOMES = {'UNLABELED': 'labels', 'LabelSpace': 'labels', 'Panoptic': 'panoptic',
          'Segmenter': 'segmenter', 'Segments': 'panoptic'}


def __getattr__(name: str) -> Any:
    """Import what is asked for: executables heed Ctrl-C before the libraries are loaded."""
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'.{_HOMES[name]}', __name__), name)
