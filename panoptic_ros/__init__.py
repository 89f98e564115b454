"""
Camera panoptic segmentation for ROS 2.

>>> from panoptic_ros import Segmenter                      # doctest: +SKIP
>>> segmenter = Segmenter.open('models/streets.onnx')       # doctest: +SKIP
>>> panoptic = segmenter(bgr_image)                         # doctest: +SKIP
"""

from .grouping import GroupingOptions
from .heads import Heads
from .labels import UNLABELED, LabelSpace
from .panoptic import Panoptic, Segments
from .segmenter import Segmenter

__all__ = ['UNLABELED', 'GroupingOptions', 'Heads', 'LabelSpace', 'Panoptic', 'Segmenter',
           'Segments']
