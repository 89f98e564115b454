"""Which GPU a job on a cluster takes."""

import pytest

from panoptic_ros.offline.ray import index_of


@pytest.mark.parametrize(('name', 'visible', 'expected'), [
    (1, None, 1), ('1', '', 1), (3, '2,3', 1), ('GPU-b', 'GPU-a, GPU-b', 1)])
def test_a_gpu_is_found_among_those_that_are_visible(name, visible, expected):
    assert index_of(name, visible) == expected
