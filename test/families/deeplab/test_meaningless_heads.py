"""Heads that mean nothing, such as NaN, where the first class is stuff and where it is a thing."""

import numpy as np
import pytest

from panoptic_ros.families import deeplab
from panoptic_ros.labels import LabelSpace
from panoptic_ros.tensors import OutputError


def check(labels, logit, thing_logit):
    """Decode heads without centres, with one logit for all classes but the first thing's."""
    space = LabelSpace.load(labels)
    semantic = np.full((len(space), 16, 24), logit, np.float32)
    semantic[np.flatnonzero(space.is_thing)[0]] = thing_logit
    heads = deeplab.Heads(semantic, np.zeros((16, 24), np.float32),
                          np.zeros((2, 16, 24), np.float32))
    panoptic = deeplab.decode(heads, space, method='reference')
    deeplab.FAMILY.check(panoptic, {'semantic': semantic})


@pytest.mark.parametrize('labels', ['cityscapes', 'coco'])
@pytest.mark.parametrize('logit', [np.nan, 0.0, 7.0, np.inf, -np.inf])
def test_nan_and_one_number_everywhere_are_refused(logit, labels):
    with pytest.raises(OutputError, match='the network gives NaN or one number everywhere'):
        check(labels, logit, logit)


@pytest.mark.parametrize('labels', ['cityscapes', 'coco'])
def test_things_without_centers_are_a_result(labels):
    """No pixel is labelled then, although the classes are known."""
    check(labels, 0, 5)
