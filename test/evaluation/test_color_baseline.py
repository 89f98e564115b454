import cv2
import numpy as np
import pytest

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.evaluation import PanopticQuality
from panoptic_ros.evaluation.color_baseline import ColorBaseline

SPACE = LabelSpace.load('cityscapes')
ROAD, SKY, PERSON, CAR = 0, 10, 11, 13


def colored(labels, offset=0):
    """Paint each class in its own colour, BGR; instances look alike."""
    colors = np.append(SPACE.colors[:, ::-1], [[0, 0, 0]], 0).astype(np.int16)
    classes = np.minimum(SPACE.semantic(labels), len(SPACE))
    return np.clip(colors[classes] + offset, 0, 255).astype(np.uint8)


def street():
    labels = np.full((80, 120), SKY * 1000, np.uint16)
    labels[40:] = ROAD * 1000
    labels[30:50, 10:30] = CAR * 1000 + 1
    labels[30:60, 60:90] = CAR * 1000 + 2
    labels[30:50, 100:110] = PERSON * 1000 + 1
    return labels


def test_it_finds_what_colour_tells_apart():
    truth = street()
    baseline = ColorBaseline.fit([(colored(truth), truth)], SPACE)
    prediction = baseline(colored(truth, offset=4))
    assert PanopticQuality(SPACE).update(prediction, truth).compute().all.pq == 100


def test_it_cannot_part_things_that_touch():
    truth = street()
    baseline = ColorBaseline.fit([(colored(truth), truth)], SPACE)
    truth[30:50, 30:60] = CAR * 1000 + 3
    car = PanopticQuality(SPACE).update(baseline(colored(truth)), truth).compute().per_class['car']
    assert (car.tp, car.fp, car.fn) == (0, 1, 3)       # one blob that matches none


def test_small_regions_of_things_are_unlabelled():
    truth = street()
    baseline = ColorBaseline.fit([(colored(truth), truth)], SPACE)
    speck = truth.copy()
    speck[5:10, 5:10] = CAR * 1000 + 9
    assert (baseline(colored(speck))[5:10, 5:10] == UNLABELED).all()


def test_the_table_is_the_nearest_colour():
    rng = np.random.default_rng(0)
    palette = rng.integers(0, 256, (30, 3)).astype(np.float32)
    class_id = rng.integers(0, 11, 30).astype(np.uint8)     # stuff: no regions to find
    image = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    distance = np.square(image[..., None, :] - palette).sum(-1)
    expected = class_id[distance.argmin(-1)].astype(np.uint16) * 1000
    got = ColorBaseline(palette, class_id, SPACE)(image)
    ordered = np.sort(np.sqrt(distance), -1)
    clear = ordered[..., 1] - ordered[..., 0] > 8   # the table rounds colours to 4 steps
    assert clear.mean() > 0.5
    assert (got == expected)[clear].all()


def test_pixels_without_truth_teach_nothing():
    image = cv2.merge([np.zeros((4, 4), np.uint8)] * 3)
    with pytest.raises(ValueError, match='no frame has a labelled pixel'):
        ColorBaseline.fit([(image, np.full((4, 4), UNLABELED, np.uint16))], SPACE)
