"""Detections to decode, degenerate ones included, as hypothesis draws them."""

from __future__ import annotations

import numpy as np
from grouping_cases import make_label_space
from hypothesis import strategies as st

from panoptic_ros.families import fpn
from panoptic_ros.families.fpn.detections import Detections

ODD = [np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-40, -0.0]


@st.composite
def cases(draw):
    """Draw detections, label space, output size and options, degenerate ones included."""
    things = draw(st.lists(st.booleans(), min_size=1, max_size=6))
    cells = draw(st.tuples(st.integers(1, 9), st.integers(1, 12)))
    full = tuple(draw(st.integers(count, 4 * count + 3)) for count in cells)
    part = tuple(draw(st.integers(1, side)) for side in full)
    size = draw(st.one_of(st.just(part), st.tuples(st.integers(1, 45), st.integers(1, 150))))
    count, side = draw(st.sampled_from([0, 1, 2, 5, 9, 20])), draw(st.sampled_from([1, 2, 5, 28]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    semantic = random.normal(0, 2, (things.count(False) + 1, *cells))
    semantic[0] -= draw(st.sampled_from([0, 3]))
    if draw(st.booleans()):         # regions of one channel
        semantic[:, :cells[0] // 2 + 1] = semantic[:, :1, :1]
    corners = np.sort(random.uniform(-0.1, 1.1, (count, 2, 2)), axis=1)
    boxes = corners.reshape(count, 4) * [*part[::-1], *part[::-1]]
    scores = random.uniform(0, 1, count)
    coarse = random.normal(0.5, draw(st.sampled_from([0.2, 1])), (count, side // 3 + 1,
                                                                  side // 3 + 1))
    masks = np.repeat(np.repeat(coarse, 3, 1), 3, 2)[:, :side, :side]
    masks = np.clip(masks + random.normal(0, 0.05, masks.shape), 0, 1)
    if draw(st.booleans()):         # ties everywhere
        semantic, boxes = np.round(semantic), np.round(2 * boxes) / 2
        scores, masks = np.round(4 * scores) / 4, np.round(2 * masks) / 2
    if count and draw(st.booleans()):       # the same mask twice, and a box that is none
        boxes[-1], masks[-1] = boxes[0], masks[0]
        boxes[count // 2, :2] = boxes[count // 2, 2:] + draw(st.sampled_from([0, 1]))
    for array in (semantic, boxes, scores, masks):
        for value in draw(st.lists(st.sampled_from(ODD), max_size=3)) if array.size else ():
            array[tuple(random.integers(array.shape))] = value
    classes = random.integers(-1, things.count(True) + 1, count)
    dtype = draw(st.sampled_from([np.float32, np.float32, np.float16]))
    with np.errstate(over='ignore'):
        detections = Detections(
            *(array.astype(dtype) for array in (semantic, boxes, scores)),
            classes.astype(draw(st.sampled_from(['int64', 'int32']))), masks.astype(dtype), full,
            part)
    options = fpn.Options(score_threshold=draw(st.sampled_from([0, 0.25, 0.5])),
                          overlap_threshold=draw(st.sampled_from([0, 0.25, 0.5, 1])),
                          stuff_area=draw(st.sampled_from([0, 1, 9, 60])))
    return detections, make_label_space(things, draw(st.sampled_from([2, 4, 1000]))), size, options
