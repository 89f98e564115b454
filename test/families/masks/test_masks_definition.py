"""Each rule of the definition, by hand, for every method."""

import numpy as np
import pytest

from panoptic_ros.families import masks
from panoptic_ros.families.masks.queries import Queries
from panoptic_ros.labels import UNLABELED, LabelSpace

ROAD, SKY, CAR, BUS, NOTHING = range(5)
SPACE = LabelSpace.from_dict({'name': 'four', 'label_divisor': 4, 'categories': [
    {'name': name, 'dataset_id': number, 'thing': thing, 'color': (0, 0, 0)}
    for number, (name, thing) in enumerate(
        (('road', False), ('sky', False), ('car', True), ('bus', True)))]})


@pytest.fixture(params=['reference', 'cpu'])
def method(request):
    if request.param == 'cpu':
        pytest.importorskip('numba')
    return request.param


def make_queries(classes, rows, dtype=np.float32, **more):
    """Make queries of sure classes; ``rows`` has the logits of each, in cells of one pixel."""
    logits = 20 * np.eye(5)[list(classes)]
    cells = np.array(rows, dtype)
    cells = cells[:, None] if cells.ndim == 2 else cells
    return Queries(logits.astype(dtype), cells, more.pop('input_size', cells.shape[1:]), **more)


def decode(method, queries, size=None, confidence=False, **options):
    panoptic = masks.decode(queries, SPACE, size, method, masks.Options(**options), confidence)
    panoptic.check()
    return panoptic


def labels_of(*args, **more):
    return decode(*args, **more).labels.tolist()


def test_the_largest_product_owns_a_pixel_and_things_count_by_query(method):
    queries = make_queries([CAR, ROAD, CAR, BUS],
                           [[-9, -9, -9, 9], [-9, 9, -9, -9], [9, -9, -9, -9], [-9, -9, 9, -9]])
    assert labels_of(method, queries) == [[10, 0, 13, 9]]


def test_the_first_query_wins_ties(method):
    queries = make_queries([CAR, CAR], [[5, 5, 9], [5, 5, -9]])
    assert labels_of(method, queries) == [[9, 9, 9]]


def test_the_score_of_the_class_decides_between_equal_masks(method):
    queries = make_queries([CAR, BUS, ROAD], [[9, 9], [9, 9], [9, 9]])
    queries.classes[:] = 0
    queries.classes[[0, 1, 2], [CAR, BUS, ROAD]] = 4, 5, 4.5
    assert labels_of(method, queries) == [[13, 13]]


def test_a_score_must_exceed_the_threshold(method):
    queries = make_queries([ROAD], [[9, 9]])
    queries.classes[:] = [0, -100, -100, -100, 0]       # 0.5 to the last bit
    assert labels_of(method, queries, object_threshold=0.5) == [[UNLABELED] * 2]
    assert labels_of(method, queries, object_threshold=0.499999) == [[0, 0]]


def test_no_object_counts_in_the_score_and_is_no_segment(method):
    queries = make_queries([ROAD, NOTHING, CAR], [[9, 9, -9, -9], [99] * 4, [-9, -9, 9, 9]])
    queries.classes[2] = [0, 0, 5, 0, 4]
    assert labels_of(method, queries, object_threshold=0) == [[0, 0, 9, 9]]
    assert labels_of(method, queries) == [[0, 0, UNLABELED, UNLABELED]]


def test_the_lower_class_wins_ties(method):
    queries = make_queries([NOTHING], [[9]])
    queries.classes[0] = [0, 7, 0, 7, 7]
    assert labels_of(method, queries, object_threshold=0.2) == [[4]]


@pytest.mark.parametrize('classes', [[NOTHING], [NOTHING] * 3])
def test_without_any_query_that_is_kept_all_is_unlabelled(method, classes):
    queries = make_queries(classes, [[9, 9]] * len(classes))
    panoptic = decode(method, queries, (3, 5), confidence=True)
    assert (panoptic.labels == UNLABELED).all()
    assert not panoptic.confidence.any()
    assert len(panoptic.segments) == 0


def test_a_pixel_under_the_threshold_of_its_owner_is_unlabelled(method):
    queries = make_queries([ROAD], [[9, -1, 0, 1]])
    assert labels_of(method, queries) == [[0, UNLABELED, 0, 0]]
    assert labels_of(method, queries, pixel_threshold=0.8) == [[0] + [UNLABELED] * 3]
    assert labels_of(method, queries, pixel_threshold=0) == [[0] * 4]


def test_the_owner_counts_even_where_another_mask_has_the_pixel(method):
    """A query of a better score but outside of its mask owns the pixel, and leaves it void."""
    queries = make_queries([ROAD, CAR], [[9, -0.1], [-9, 0.1]])
    queries.classes[1, CAR] = 3.2
    assert labels_of(method, queries, overlap_threshold=0) == [[0, UNLABELED]]


@pytest.mark.parametrize(('overlap', 'expected'), [(0.8, 0), (0.800001, UNLABELED)])
def test_a_share_of_exactly_the_threshold_is_kept(method, overlap, expected):
    queries = make_queries([ROAD, CAR], [[5] * 5 + [-9] * 4, [-9] * 4 + [9] * 5])
    labels, = labels_of(method, queries, overlap_threshold=overlap)
    assert labels == [expected] * 4 + [9] * 5


def test_a_share_counts_owned_pixels_that_are_outside_of_the_mask_too(method):
    """area / original is 4 / 4, though only 3 of the pixels are both."""
    queries = make_queries([ROAD, CAR], [[5, 5, 5, 5, -1], [-9, -9, -9, 9, -9]])
    assert labels_of(method, queries) == [[0, 0, 0, 9, UNLABELED]]


def test_a_query_without_pixels_of_its_own_is_no_segment(method):
    queries = make_queries([CAR, CAR, CAR], [[9, 9, -9], [5, 5, -9], [-9, -9, 9]])
    assert labels_of(method, queries, overlap_threshold=0) == [[9, 9, 10]]
    outside = make_queries([CAR, CAR], [[9, 9, -9], [-9, -9, -3]])
    assert labels_of(method, outside, overlap_threshold=0) == [[9, 9, UNLABELED]]


def test_the_stuff_of_a_class_is_one_segment(method):
    queries = make_queries([ROAD, CAR, ROAD], [[5, -9, -9, -9], [-9, 5, -9, -9], [-9, -9, 1, 1]])
    panoptic = decode(method, queries)
    assert panoptic.labels.tolist() == [[0, 9, 0, 0]]
    assert panoptic.segments.label.tolist() == [0, 9]
    p = 1 / (1 + np.exp(-np.array([5, 1, 1])))
    score = 1 / (1 + 4 * np.exp(-20))
    assert panoptic.segments.score[0] == pytest.approx(score * p.mean(), abs=1e-6)


def test_stuff_that_is_dropped_leaves_the_other_stuff_of_its_class(method):
    queries = make_queries([ROAD, CAR, ROAD], [[1] * 4, [-9, 5, 5, 5], [-9] * 4])
    assert labels_of(method, queries) == [[UNLABELED, 9, 9, 9]]
    queries.masks[2, 0, 0] = 5
    assert labels_of(method, queries) == [[0, 9, 9, 9]]


def test_things_past_the_label_divisor_are_unlabelled(method):
    queries = make_queries([CAR] * 5 + [BUS], np.where(np.eye(6), 9, -9))
    assert labels_of(method, queries) == [[9, 10, 11, UNLABELED, UNLABELED, 13]]


def test_a_dropped_thing_takes_no_number(method):
    queries = make_queries([CAR, CAR, CAR], [[1, 1, 1, 1], [-9, 5, 5, -9], [-9, -9, -9, 5]])
    assert labels_of(method, queries) == [[UNLABELED, 9, 9, 10]]


def test_a_score_and_a_confidence(method):
    queries = make_queries([CAR, BUS], [[2, 3, -9, -9], [-9, -9, 4, -1]])
    queries.classes[:] = np.log([[0.05, 0.02, 0.9, 0.02, 0.01], [0.01, 0.01, 0.01, 0.96, 0.01]])
    assert decode(method, queries).confidence is None
    panoptic = decode(method, queries, confidence=True)
    p = 1 / (1 + np.exp(-np.array([2., 3, 4])))
    assert panoptic.labels.tolist() == [[9, 9, 13, UNLABELED]]
    np.testing.assert_allclose(panoptic.segments.score, [0.9 * p[:2].mean(), 0.96 * p[2]],
                               rtol=1e-6)
    confidence = np.append(np.floor(255 * p * [0.9, 0.9, 0.96] + 0.5), 0)
    assert panoptic.confidence.tolist() == [confidence.tolist()]


def test_an_area_a_box_and_a_centroid(method):
    cells = np.full((2, 6, 8), -9)
    cells[0], cells[1, 2:4, 3:8], cells[0, 2:4, 3:8] = 9, 9, -9
    table = decode(method, make_queries([ROAD, CAR], cells)).segments
    assert table.label.tolist() == [0, 9]
    assert table.area.tolist() == [38, 10]
    assert table.box.tolist() == [[0, 0, 8, 6], [3, 2, 8, 4]]
    assert table.centroid[1].tolist() == [5, 2.5]


def test_masks_are_upsampled_with_their_cells_in_the_middle_of_their_pixels(method):
    queries = make_queries([ROAD, CAR], [[3, -5], [-9, 9]], input_size=(4, 8))
    labels = labels_of(method, queries, overlap_threshold=0, pixel_threshold=0)
    assert labels == [[0] * 4 + [9] * 4] * 4            # 1 is under 4.5 - 9 / 4
    labels = labels_of(method, queries, (1, 8), overlap_threshold=0)
    assert labels == [[0] * 4 + [9] * 4]


def test_padding_is_cut_off_before_the_second_interpolation(method):
    """The image's last pixel lies past its last cell's middle, half a cell into the padding."""
    queries = make_queries([CAR], [[9, 9, -27, -27]], input_size=(1, 16), image_size=(1, 8))
    logits = np.interp(np.minimum((np.arange(16) + 0.5) / 2 - 0.5, 7), np.arange(8),
                       np.interp((np.arange(8) + 0.5) / 4 - 0.5, np.arange(4), [9, 9, -27, -27]))
    labels, = labels_of(method, queries, (1, 16))
    np.testing.assert_array_equal(np.array(labels) == 9, logits >= 0)
    assert (logits < 0).sum() == 2
    assert len(labels_of(method, queries)[0]) == 8


@pytest.mark.parametrize('size', [(1, 1), (3, 2), (40, 60)])
def test_masks_of_one_cell(method, size):
    queries = make_queries([ROAD, CAR], [[[5.]], [[7.]]], input_size=(9, 9))
    queries.classes[1] = [0, 0, 3, 0, 0]
    assert (decode(method, queries, size).labels == 0).all()


def test_nan_and_infinite_logits(method):
    nan, inf = np.nan, np.inf
    queries = make_queries([ROAD, CAR, BUS, SKY], [[nan, 9, -9, -9], [9, -inf, inf, -9],
                                                   [nan, -9, -9, -9], [-9, -9, -9, nan]])
    queries.classes[1, [ROAD, SKY]] = nan, -inf
    queries.classes[2, BUS] = inf
    panoptic = decode(method, queries, (1, 4), confidence=True)
    assert panoptic.labels.tolist() == [[9, 0, 9, UNLABELED]]
    queries.classes[0] = nan        # all alike
    assert labels_of(method, queries, object_threshold=0.1)[0][1] == 0
    queries.masks[:] = nan
    assert (decode(method, queries, (3, 9)).labels == UNLABELED).all()


def test_float16_is_read_as_float32(method):
    rows = np.random.default_rng(0).normal(0, 5, (6, 4, 7))
    half = make_queries([ROAD, CAR, BUS, SKY, CAR, CAR], rows, np.float16, input_size=(16, 28))
    full = Queries(half.classes.astype('f4'), half.masks.astype('f4'), (16, 28))
    for size in (None, (9, 40)):
        assert labels_of(method, half, size) == labels_of(method, full, size)
