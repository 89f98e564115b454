"""Heads to group, degenerate ones included, as hypothesis draws them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.labels import LabelSpace


def make_label_space(things, label_divisor):
    return LabelSpace.from_dict({
        'name': 'drawn', 'label_divisor': label_divisor, 'categories': [
            {'name': str(i), 'dataset_id': i, 'thing': thing, 'color': (0, 0, 0)}
            for i, thing in enumerate(things)]})


@st.composite
def cases(draw):
    """Draw heads, label space, output size and options, degenerate ones included."""
    things = draw(st.lists(st.booleans(), min_size=1, max_size=6))
    cells = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    size = draw(st.tuples(st.integers(1, 45), st.integers(1, 90)))
    stride, align_corners = draw(st.sampled_from([1, 2, 4, 5])), draw(st.booleans())
    spare = 1 - stride if align_corners else 0
    full = tuple(max(1, count * stride + spare + (-1 if align_corners else 1)
                     * draw(st.integers(0, stride - 1))) for count in cells)
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    semantic = random.normal(0, 2, (len(things), *cells))
    center = random.uniform(0, 1, cells) ** draw(st.sampled_from([1, 4]))
    offset = random.normal(0, draw(st.sampled_from([1, 30])), (2, *cells))
    if draw(st.booleans()):         # ties everywhere
        semantic, center, offset = np.round(semantic), np.round(4 * center) / 4, np.round(offset)
    if draw(st.booleans()):         # regions of one class
        semantic[:, :cells[0] // 2 + 1] = semantic[:, :1, :1]
    if draw(st.booleans()):         # peaks in the outermost cells, which are flat there
        center[1:-1, 1:-1] *= 0.1
    if draw(st.booleans()):         # equal neighbours: flat peaks
        center = np.repeat(np.repeat(center[::2, ::3], 2, 0), 3, 1)[:cells[0], :cells[1]]
    if draw(st.booleans()):
        center[:] = 0
    for array in (semantic, center, offset):
        for value in draw(st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 3e38]), max_size=4)):
            array[tuple(random.integers(array.shape))] = value
    dtype = draw(st.sampled_from([np.float32, np.float32, np.float16]))
    with np.errstate(over='ignore'):
        heads = Heads(*(a.astype(dtype) for a in (semantic, center, offset)), stride,
                      align_corners, draw(st.sampled_from([None, full])))
    if draw(st.booleans()):         # the image fills a part of the input
        heads = replace(heads, image_size=tuple(draw(st.integers(1, side))
                                                for side in heads.input_size))
    options = deeplab.Options(
        center_threshold=draw(st.sampled_from([0, 0.1, 0.25])),
        nms_kernel=draw(st.sampled_from([1, 3, 7])),
        top_k=draw(st.sampled_from([1, 3, 200, 1000])),
        stuff_area=draw(st.sampled_from([0, 20, 2048])))
    return heads, make_label_space(things, draw(st.sampled_from([2, 5, 1000]))), size, options
