"""What frames hold, over a few seeds; ``benchmark streets`` counts over many."""

import numpy as np
import pytest

from panoptic_ros import LabelSpace
from panoptic_ros.evaluation import PanopticQuality
from panoptic_ros.evaluation.color_baseline import ColorBaseline
from panoptic_ros.streets import Drive

SPACE = LabelSpace.load('cityscapes')
SIZE = (512, 1024)


@pytest.fixture(scope='module')
def frames():
    drives = [Drive(seed, SIZE) for seed in range(4000, 4014)]
    return [(drive, *drive.frame(3.0)) for drive in drives]


@pytest.mark.slow
def test_every_class_occurs_often(frames):
    occurs = np.zeros(len(SPACE))
    for _, _, truth in frames:
        occurs[np.unique(truth.segments.class_id)] += 1
    rare = {SPACE.names[i]: int(n) for i, n in enumerate(occurs) if n < 0.2 * len(frames)}
    assert not rare


@pytest.mark.slow
def test_frames_hold_ten_things_none_under_ten_pixels(frames):
    assert np.mean([len(truth.things) for _, _, truth in frames]) >= 10
    for _, _, truth in frames:
        box = truth.things.box
        assert (box[:, 3] - box[:, 1]).min() >= 10


@pytest.mark.slow
def test_a_third_of_the_things_is_partly_hidden(frames):
    shares = [share for drive, _, _ in frames[:6]
              for share in drive.visible_shares(3.0).values()]
    assert 0.3 <= np.mean(np.array(shares) < 0.95) <= 0.9


@pytest.mark.slow
def test_colours_alone_do_not_tell_the_classes(frames):
    pairs = [(image, truth.labels) for _, image, truth in frames]
    baseline = ColorBaseline.fit(pairs[:9], SPACE)
    quality = PanopticQuality(SPACE)
    for image, labels in pairs[9:]:
        quality.update(baseline(image), labels)
    assert quality.compute().all.pq < 25
