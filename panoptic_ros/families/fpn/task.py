"""The task, which the CUDA kernels read for one image: the fields of ``kernels/task.cuh``."""

from __future__ import annotations

import numpy as np

from ...segments.canvas import CANVAS

_POINTERS = ('semantic', 'boxes', 'scores', 'classes', 'masks', 'stuff_code', 'thing_class',
             'row_locations', 'column_locations', 'channel', 'chosen', 'bits', 'painted', 'area',
             'accepted', 'finished')
_INTEGERS = ('channels', 'things', 'detections', 'side', 'words', 'class_bytes', 'row_reach',
             'column_reach')

TASK = np.dtype([('canvas', CANVAS), *((name, np.uint64) for name in _POINTERS),
                 ('overlap_threshold', np.float64), ('score_threshold', np.float32),
                 ('x_scale', np.float32), ('y_scale', np.float32),
                 *((name, np.int32) for name in _INTEGERS)], align=True)

CHOSEN = np.dtype([('box', np.float32, (4,)), ('pixels', np.int32, (4,)), ('row', np.int32),
                   ('class_id', np.int32), ('score', np.float32), ('unused', np.int32)])
"""A detection that takes part; see ``selection.Chosen``."""

WORD = 32
"""Bits of a word, each for a pixel of a row."""

LINES = 8
"""Rows of pixels for each warp, in the kernels that look at pixels."""
