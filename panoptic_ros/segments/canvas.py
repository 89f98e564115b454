"""What the CUDA kernels of every family know about one image: the fields of ``canvas.cuh``."""

from __future__ import annotations

import numpy as np

FAR = 1 << 30
"""The lower edges of a box are kept as their distance from here, so that 0 is no pixel."""

_POINTERS = (
    'is_thing', 'row_start', 'column_start', 'row_nearest', 'column_nearest', 'probability',
    'patch_code', 'open_patches', 'open_count', 'class_of', 'instance_count', 'score', 'label_of',
    'labels', 'tallies', 'confidence')
_INTEGERS = ('classes', 'rows', 'columns', 'image_rows', 'image_columns', 'height', 'width',
             'patch_height', 'patch_width')
_FLOATS = ('shift', 'y_step', 'x_step')
_LIMITS = ('stuff_area', 'label_divisor', 'max_instances')

CANVAS = np.dtype([*((name, np.uint64) for name in _POINTERS),
                   *((name, np.int32) for name in _INTEGERS),
                   *((name, np.float32) for name in _FLOATS),
                   *((name, np.int32) for name in _LIMITS)], align=True)

TALLY = np.dtype([*((name, np.uint64) for name in ('area', 'sum_x', 'sum_y', 'probability')),
                  *((name, np.int32) for name in ('from_x0', 'from_y0', 'x1', 'y1'))],
                 align=True)
