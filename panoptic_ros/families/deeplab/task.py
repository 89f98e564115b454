"""The task, which the CUDA kernels read for one image: the fields of ``kernels/task.cuh``."""

from __future__ import annotations

import numpy as np

from ...segments.canvas import CANVAS

MOST_CENTERS = 1000
"""The largest top_k that ``Options`` allows."""

_POINTERS = ('semantic', 'center', 'offset', 'cell_code', 'peaks', 'peak_count', 'finished',
             'center_y', 'center_x', 'votes')
_FLOATS = ('y_scale', 'x_scale', 'threshold')
_INTEGERS = ('radius', 'top_k')

TASK = np.dtype([('canvas', CANVAS), *((name, np.uint64) for name in _POINTERS),
                 *((name, np.float32) for name in _FLOATS),
                 *((name, np.int32) for name in _INTEGERS)], align=True)
