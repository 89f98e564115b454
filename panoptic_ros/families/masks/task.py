"""The task, which the CUDA kernels read for one image: the fields of ``kernels/task.cuh``."""

from __future__ import annotations

import numpy as np

from ...segments.canvas import CANVAS

_POINTERS = ('classes', 'masks', 'row_locations', 'column_locations', 'query_class',
             'query_score', 'kept', 'owned', 'covered', 'kept_label', 'finished')

TASK = np.dtype([('canvas', CANVAS), *((name, np.uint64) for name in _POINTERS),
                 ('overlap_threshold', np.float64), ('object_threshold', np.float32),
                 ('least_logit', np.float32), ('queries', np.int32)], align=True)

KEPT = np.dtype([('query', np.int32), ('class_id', np.int32), ('score', np.float32),
                 ('log_score', np.float32)])
"""A query that is kept because of its class."""

TILE_ROWS = 4
"""Rows of patches that a block of ``decide_pixels`` decides."""

LANES = 32
"""Of a warp; each stands for a column of cells of the block's tile."""
