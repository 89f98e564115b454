"""Queries to decode, degenerate ones included, as hypothesis draws them."""

from __future__ import annotations

import numpy as np
from grouping_cases import make_label_space
from hypothesis import strategies as st

from panoptic_ros.families import masks
from panoptic_ros.families.masks.queries import Queries


@st.composite
def cases(draw):
    """Draw queries, label space, output size and options, degenerate ones included."""
    things = draw(st.lists(st.booleans(), min_size=1, max_size=5))
    cells = draw(st.tuples(st.integers(1, 9), st.integers(1, 12)))
    count = draw(st.sampled_from([1, 2, 3, 5, 9, 20, 40]))
    full = tuple(draw(st.integers(count, 4 * count + 3)) for count in cells)
    part = tuple(draw(st.integers(1, side)) for side in full)
    size = draw(st.one_of(st.just(part), st.tuples(st.integers(1, 45), st.integers(1, 90))))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    classes = random.normal(0, 1, (count, len(things) + 1))
    last = len(things) - 1 + draw(st.integers(0, 1))        # with no object or without
    classes[np.arange(count), random.integers(0, last + 1, count)] += draw(
        st.sampled_from([1, 8, 8, 8]))
    logits = random.normal(0, draw(st.sampled_from([0.3, 3, 30])), (count, *cells))
    if draw(st.booleans()):         # each query has a rectangle of its own
        for mask in logits:
            (top, bottom), (left, right) = (np.sort(random.integers(0, side + 1, 2))
                                            for side in cells)
            mask[:] = -abs(mask) - draw(st.sampled_from([0, 5]))
            mask[top:bottom, left:right] *= -1
    if draw(st.booleans()):         # ties everywhere
        logits = np.round(logits)
        classes[:] = classes[random.integers(0, count, count)]
    if draw(st.booleans()):         # the same mask twice
        logits[-1] = logits[0]
    if draw(st.booleans()):         # logits that are at the threshold
        logits[random.random(logits.shape) < 0.3] = draw(st.sampled_from([0, -1e-8, 1e-8]))
    for array in (classes, logits):
        for value in draw(st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 3e38]), max_size=4)):
            array[tuple(random.integers(array.shape))] = value
    dtype = draw(st.sampled_from([np.float32, np.float32, np.float16]))
    with np.errstate(over='ignore'):
        queries = Queries(classes.astype(dtype), logits.astype(dtype), full,
                          draw(st.sampled_from([None, part])))
    options = masks.Options(
        object_threshold=draw(st.sampled_from([0, 0.5, 0.8])),
        overlap_threshold=draw(st.sampled_from([0, 0.5, 0.8, 1])),
        pixel_threshold=draw(st.sampled_from([0, 0.3, 0.5, 0.5, 0.9, 1])))
    return queries, make_label_space(things, draw(st.sampled_from([2, 4, 1000]))), size, options
