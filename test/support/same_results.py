"""What it means that two results are the same."""

import numpy as np


def assert_same(result, reference):
    np.testing.assert_array_equal(result.labels, reference.labels)
    for column in ('label', 'class_id', 'instance', 'area', 'box', 'centroid'):
        np.testing.assert_array_equal(getattr(result.segments, column),
                                      getattr(reference.segments, column), column)
    np.testing.assert_allclose(result.segments.score, reference.segments.score, atol=1e-5)
    assert (result.confidence is None) == (reference.confidence is None)
    if result.confidence is not None:
        difference = result.confidence.astype(int) - reference.confidence
        assert abs(difference).max() <= 1   # where rounding falls the other way
    result.check()
