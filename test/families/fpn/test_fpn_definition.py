"""Each rule of the definition, by hand, for every method."""

import numpy as np
import pytest

from panoptic_ros.families import fpn
from panoptic_ros.families.fpn.detections import Detections
from panoptic_ros.labels import UNLABELED, LabelSpace

CAR, BUS = range(2)             # places among the things
SPACE = LabelSpace.from_dict({'name': 'four', 'label_divisor': 4, 'categories': [
    {'name': name, 'dataset_id': number, 'thing': thing, 'color': (0, 0, 0)}
    for number, (name, thing) in enumerate(
        (('road', False), ('car', True), ('sky', False), ('bus', True)))]})
VOID = UNLABELED


@pytest.fixture(params=['reference', 'cpu'])
def method(request):
    if request.param == 'cpu':
        pytest.importorskip('numba')
    return request.param


def make(things=(), channels=None, size=(1, 8), masks=None, **more):
    """
    Make detections whose cells are pixels.

    Each of ``things`` is a class, a score, and the columns from and to in which its mask is full.
    ``channels`` has the likeliest channel of each cell; by default it is that of things.
    """
    channels = np.zeros(size, int) if channels is None else np.array(channels, ndmin=2)
    semantic = np.where(np.arange(3)[:, None, None] == channels, 9, 0).astype(np.float32)
    boxes = [[left, 0, right, channels.shape[0]] for _, _, left, right in things]
    count = len(things)
    masks = np.ones((count, 4, 4)) if masks is None else np.array(masks)
    return Detections(semantic, np.array(boxes, np.float32).reshape(count, 4),
                      np.array([thing[1] for thing in things], np.float32),
                      np.array([thing[0] for thing in things], np.int64),
                      masks.astype(np.float32), more.pop('input_size', channels.shape), **more)


def decode(method, detections, size=None, confidence=False, **options):
    options = fpn.Options(**{'stuff_area': 1} | options)
    panoptic = fpn.decode(detections, SPACE, size, method, options, confidence)
    panoptic.check()
    return panoptic


def labels_of(*args, **more):
    labels, *_ = decode(*args, **more).labels.tolist()
    return labels


def test_things_are_painted_by_score_and_count_in_that_order(method):
    detections = make([(CAR, 0.6, 0, 2), (BUS, 0.7, 2, 4), (CAR, 0.9, 4, 6)])
    assert labels_of(method, detections) == [6, 6, 13, 13, 5, 5, VOID, VOID]


def test_the_first_row_wins_ties(method):
    detections = make([(CAR, 0.75, 0, 4), (BUS, 0.75, 2, 6)])
    assert labels_of(method, detections) == [5] * 4 + [13] * 2 + [VOID] * 2


@pytest.mark.parametrize(('threshold', 'found'), [(0.5, 5), (0.5000001, VOID)])
def test_a_score_of_exactly_the_threshold_takes_part(method, threshold, found):
    detections = make([(CAR, 0.5, 0, 8)])
    assert labels_of(method, detections, score_threshold=threshold) == [found] * 8


@pytest.mark.parametrize(('threshold', 'found'), [(0.5, 13), (0.4999, VOID)])
def test_a_share_of_exactly_the_threshold_is_painted(method, threshold, found):
    detections = make([(CAR, 0.9, 0, 4), (BUS, 0.8, 2, 6)])
    labels = labels_of(method, detections, overlap_threshold=threshold)
    assert labels == [5] * 4 + [found] * 2 + [VOID] * 2


def test_a_skipped_thing_takes_no_number_and_leaves_its_pixels_free(method):
    detections = make([(CAR, 0.9, 0, 4), (CAR, 0.8, 1, 5), (CAR, 0.7, 4, 8)], [1] * 8)
    assert labels_of(method, detections) == [5] * 4 + [6] * 4
    detections.scores[2] = 0
    assert labels_of(method, detections) == [5] * 4 + [0] * 4


def test_a_thing_that_is_painted_over_all_is_none_at_any_threshold(method):
    detections = make([(CAR, 0.9, 0, 4), (CAR, 0.8, 1, 3), (CAR, 0.7, 4, 8)])
    assert labels_of(method, detections, overlap_threshold=1) == [5] * 4 + [6] * 4


def test_things_past_the_label_divisor_are_unlabelled_but_not_free(method):
    detections = make([(CAR, 0.9 - 0.1 * place, place, place + 1) for place in range(4)], [1] * 8)
    assert labels_of(method, detections) == [5, 6, 7, VOID, 0, 0, 0, 0]


def test_stuff_is_counted_where_it_is_free_and_channel_0_is_none(method):
    detections = make([(CAR, 0.9, 0, 2)], [1, 1, 1, 1, 0, 2, 2, 2])
    assert labels_of(method, detections, stuff_area=3) == [5, 5, VOID, VOID, VOID, 8, 8, 8]
    assert labels_of(method, detections, stuff_area=2) == [5, 5, 0, 0, VOID, 8, 8, 8]


def test_the_first_channel_wins_ties(method):
    detections = make(channels=[1, 2, 2, 1])
    detections.semantic[2] = detections.semantic[1]
    assert labels_of(method, detections) == [0, VOID, VOID, 0]
    detections.semantic[0] = -1
    assert labels_of(method, detections) == [0] * 4


def test_a_mask_has_its_cells_in_the_middles_of_their_parts_of_the_box(method):
    """Zeros lie around the mask: at the border of the box a cell of 0.8 has 0.4 left."""
    mask = [[0.8, 0.2], [0.8, 0.2]]
    detections = make([(CAR, 0.9, 0, 8)], size=(8, 8), masks=[mask])
    labels = decode(method, detections).labels
    across = np.interp(np.arange(8) + 0.5, [-2, 2, 6, 10], [0, 0.8, 0.2, 0])
    down = np.interp(np.arange(8) + 0.5, [-2, 2, 6, 10], [0, 1, 1, 0])
    np.testing.assert_array_equal(labels == 5, down[:, None] * across >= 0.5)
    assert 0 < (labels == 5).sum() < 32


@pytest.mark.parametrize(('box', 'columns'), [
    ((1.5, 3.5), [1, 2, 3]), ((1.51, 3.49), [2]), ((-9, 2.5), [0, 1, 2]), ((6, 99), [6, 7]),
    ((3.6, 4.4), []), ((4, 4), []), ((5, 3), []), ((-5, -1), []), ((9, 12), [])])
def test_a_mask_has_the_pixels_whose_middles_its_box_has(method, box, columns):
    detections = make([(CAR, 0.9, *box)], masks=np.ones((1, 28, 28)))
    found = [x for x, label in enumerate(labels_of(method, detections)) if label == 5]
    assert found == columns


def test_boxes_are_scaled_to_the_image_and_padding_is_cut_off(method):
    detections = make([(CAR, 0.9, 2, 4)], [1, 1, 1, 1, 2, 2, 2, 2], image_size=(1, 6))
    assert labels_of(method, detections) == [0, 0, 5, 5, 8, 8]
    assert labels_of(method, detections, (1, 12)) == [0] * 4 + [5] * 4 + [8] * 4


def test_padding_is_cut_off_before_the_second_interpolation(method):
    """The image's last pixel repeats the last one before padding, and does not go on to it."""
    cells = np.array([4.8, 4.8, -7.2, -7.2])
    detections = make(channels=[1] * 4, input_size=(1, 16), image_size=(1, 8))
    detections.semantic[:] = np.stack([0 * cells, cells, 0 * cells - 9])[:, None]
    at_once = np.interp((np.arange(16) + 0.5) / 8 - 0.5, np.arange(4), cells)
    assert np.flatnonzero(at_once < 0).tolist() == [15]
    assert labels_of(method, detections, (1, 16)) == [0] * 16


def test_scores_and_confidence(method):
    detections = make([(BUS, 0.7, 2, 4)], [1, 1, 1, 1, 1, 1, 0, 0])
    assert decode(method, detections).confidence is None
    panoptic = decode(method, detections, confidence=True)
    assert panoptic.segments.label.tolist() == [0, 13]
    sure = 1 / (1 + 2 * np.exp(-9))
    np.testing.assert_allclose(panoptic.segments.score, [sure, 0.7], rtol=1e-6)
    assert panoptic.confidence.tolist() == [[255, 255, 179, 179, 255, 255, 0, 0]]
    detections.semantic[:] /= 9         # less sure
    unsure = decode(method, detections, confidence=True)
    sure = 1 / (1 + 2 * np.exp(-1))
    assert unsure.segments.score[0] == pytest.approx(sure, rel=1e-6)
    assert unsure.confidence[0, 0] == round(255 * sure)


def test_an_area_a_box_and_a_centroid(method):
    detections = make([(CAR, 0.9, 3, 8)], np.ones((6, 8), int))
    detections.boxes[0, [1, 3]] = 2, 4
    table = decode(method, detections).segments
    assert table.label.tolist() == [0, 5]
    assert table.area.tolist() == [38, 10]
    assert table.box.tolist() == [[0, 0, 8, 6], [3, 2, 8, 4]]
    assert table.centroid[1].tolist() == [5, 2.5]


def test_what_is_no_number_is_no_detection_and_no_stuff(method):
    things = [(CAR, 0.9, 0, 2), (CAR, np.nan, 2, 4), (CAR, 0.8, 4, 6), (7, 0.7, 6, 7),
              (-1, 0.7, 7, 8), (CAR, np.inf, 3, 4)]
    detections = make(things, [1, 1, 2, 2, 1, 1, 1, 1])
    detections.boxes[2, 1] = np.nan
    detections.masks[0, :, :2] = np.nan         # zeros
    detections.semantic[1, 0, 6] = np.nan
    detections.semantic[2, 0, 7] = np.inf
    labels = labels_of(method, detections)
    assert labels == [0, 6, 8, 5, 0, 0, VOID, 8]
    detections.semantic[:] = np.nan
    detections.boxes[:] = np.inf
    assert labels_of(method, detections, (3, 40)) == [VOID] * 40


def test_without_any_detection(method):
    detections = make((), [1, 1, 2, 2])
    assert labels_of(method, detections) == [0, 0, 8, 8]
    assert labels_of(method, detections, (1, 2), stuff_area=2) == [VOID] * 2
