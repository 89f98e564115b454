"""What every CUDA kernel knows about one image: the fields of ``kernels/task.cuh``."""

from __future__ import annotations

import numpy as np

MOST_CENTERS = 1000
"""``Options`` allows no larger top_k."""
FAR = 1 << 30
"""The lower edges of a box are kept as their distance from here, so that 0 is no pixel."""

_POINTERS = (
    'semantic', 'center', 'offset', 'is_thing', 'colors', 'camera', 'network_input', 'row_start',
    'column_start', 'row_nearest', 'column_nearest', 'cell_code', 'probability', 'peaks',
    'peak_count', 'patch_code', 'open_patches', 'open_count', 'finished', 'center_y', 'center_x',
    'heat', 'center_count', 'votes', 'label_of', 'class_of', 'labels', 'tallies', 'confidence',
    'semantic_image', 'instance_image', 'overlay')
_INTEGERS = ('classes', 'rows', 'columns', 'height', 'width', 'patch_height', 'patch_width',
             'step', 'input_height', 'input_width')
_FLOATS = ('shift', 'y_step', 'x_step', 'y_scale', 'x_scale', 'threshold')
_THRESHOLDS = ('radius', 'top_k', 'stuff_area', 'label_divisor', 'max_instances')

TASK = np.dtype([*((name, np.uint64) for name in _POINTERS),
                 *((name, np.int32) for name in _INTEGERS),
                 *((name, np.float32) for name in _FLOATS),
                 *((name, np.int32) for name in _THRESHOLDS),
                 ('opacity', np.float32)], align=True)

TALLY = np.dtype([*((name, np.uint64) for name in ('area', 'sum_x', 'sum_y', 'probability')),
                  *((name, np.int32) for name in ('from_x0', 'from_y0', 'x1', 'y1'))],
                 align=True)
