"""Each rule of the definition, by hand, for every method."""

import numpy as np
import pytest

from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.labels import UNLABELED, LabelSpace

ROAD, SKY, CAR, BUS = range(4)
SPACE = LabelSpace.from_dict({'name': 'four', 'label_divisor': 100, 'categories': [
    {'name': name, 'dataset_id': number, 'thing': thing, 'color': (0, 0, 0)}
    for number, (name, thing) in enumerate(
        (('road', False), ('sky', False), ('car', True), ('bus', True)))]})
KEEP_STUFF = deeplab.Options(stuff_area=0)


@pytest.fixture(params=['reference', 'cpu'])
def method(request):
    if request.param == 'cpu':
        pytest.importorskip('numba')
    return request.param


def make_heads(classes, centers=(), offset=None, stride=1, logit=8.0):
    """Make heads from the class of each cell and the centres' (y, x, heat)."""
    classes = np.asarray(classes)
    semantic = logit * (np.arange(4)[:, None, None] == classes).astype(np.float32)
    center = np.zeros(classes.shape, np.float32)
    for y, x, heat in centers:
        center[y, x] = heat
    if offset is None:
        offset = np.zeros((2, *classes.shape))
    return Heads(semantic, center, np.asarray(offset, np.float32), stride)


def group(method, heads, size=None, options=KEEP_STUFF, **more):
    panoptic = deeplab.decode(heads, SPACE, size, method, options, **more)
    panoptic.check()
    return panoptic


def test_the_largest_logit_names_the_class_and_the_lower_id_wins_ties(method):
    heads = make_heads([[ROAD, SKY, SKY]])
    heads.semantic[:, 0, 1] = 5
    assert group(method, heads).labels.tolist() == [[0, 0, 100]]


def test_things_are_numbered_by_class_in_the_order_of_their_centers(method):
    classes = np.full((8, 16), CAR)
    classes[:, 8:] = BUS
    heads = make_heads(classes, [(1, 12, 0.9), (1, 3, 0.5), (6, 3, 0.8), (6, 12, 0.3)])
    labels = group(method, heads).labels
    assert labels[1, 3] == 201
    assert labels[6, 3] == 202
    assert labels[1, 12] == 301
    assert labels[6, 12] == 302


def test_a_center_must_exceed_the_threshold(method):
    heads = make_heads(np.full((1, 12), CAR), [(0, 1, 0.1), (0, 9, np.nextafter(0.1, 1) + 1e-6)])
    assert group(method, heads).segments.label.tolist() == [201]
    options = deeplab.Options(center_threshold=0.2)
    assert len(group(method, heads, options=options).segments) == 0


def test_a_center_is_the_maximum_of_seven_by_seven(method):
    apart = make_heads(np.full((9, 9), CAR), [(4, 1, 0.9), (4, 5, 0.8)])
    close = make_heads(np.full((9, 9), CAR), [(4, 1, 0.9), (4, 4, 0.8)])
    diagonal = make_heads(np.full((9, 9), CAR), [(2, 2, 0.8), (5, 5, 0.9)])
    assert len(group(method, apart).segments) == 2
    assert len(group(method, close).segments) == 1
    assert len(group(method, diagonal).segments) == 1


def test_a_flat_peak_is_one_center(method):
    heads = make_heads(np.full((2, 2), CAR), [(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)])
    assert group(method, heads).labels.tolist() == [[201, 201], [201, 201]]
    flat = make_heads(np.full((40, 40), CAR), [(y, x, 0.5) for y, x in np.ndindex(40, 40)])
    assert group(method, flat).segments.label.tolist() == [201]
    with_hole = [(y, x, 0.5) for y, x in np.ndindex(12, 12) if (y, x) != (5, 5)]
    ring = make_heads(np.full((12, 12), CAR), with_hole)
    assert group(method, ring).segments.label.tolist() == [201]


@pytest.mark.parametrize(('second', 'touches'), [
    ((4, 5), True), ((5, 3), True), ((5, 4), True), ((5, 5), True), ((4, 6), False),
    ((6, 2), False), ((6, 4), False), ((7, 7), False)])
def test_of_equal_peaks_that_touch_the_first_is_the_center(method, second, touches):
    heads = make_heads(np.full((12, 12), CAR), [(4, 4, 0.9), (*second, 0.9)])
    labels = group(method, heads).labels
    assert labels[4, 4] == 201
    assert labels[second] == (201 if touches else 202)
    each_alone = deeplab.Options(nms_kernel=1, stuff_area=0)
    assert len(group(method, heads, options=each_alone).segments) == 2


def test_a_pixel_as_hot_that_is_no_peak_takes_nothing_from_one(method):
    heads = make_heads(np.full((1, 12), CAR), [(0, 1, 0.9), (0, 4, 0.5), (0, 5, 0.5)])
    labels = group(method, heads).labels
    assert labels.tolist() == [[201] * 4 + [202] * 8]


@pytest.mark.parametrize('factor', [0.75, 1, 2, 2.3])
@pytest.mark.parametrize('align_corners', [False, True])
def test_a_thing_at_the_border_has_one_center(method, factor, align_corners):
    """Its heat is the outermost cell's to the last bit, in all pixels that lie beyond it."""
    places = [(y, x) for y in (0, 8, 16) for x in (0, 8, 16) if (y, x) != (8, 8)]
    size = (65, 65) if align_corners else (68, 68)
    for seed in range(5):
        heats = np.random.default_rng(seed).uniform(0.2, 1, len(places))
        heads = make_heads(np.full((17, 17), CAR), [(*place, heat) for place, heat
                                                    in zip(places, heats, strict=True)], stride=4)
        heads = Heads(heads.semantic, heads.center, heads.offset, 4, align_corners)
        labels = group(method, heads, tuple(round(side * factor) for side in size)).labels
        assert np.unique(labels).tolist() == [201 + index for index in range(len(places))]


@pytest.mark.parametrize(('top_k', 'expected'), [(6, 5), (5, 4), (4, 2), (3, 2), (2, 1), (1, 0)])
def test_of_top_k_peaks_the_last_and_its_equals_are_dropped(method, top_k, expected):
    heats = (0.9, 0.8, 0.5, 0.5, 0.3)
    heads = make_heads(np.full((1, 40), CAR), [(0, 8 * i, heat) for i, heat in enumerate(heats)])
    options = deeplab.Options(top_k=top_k)
    assert len(group(method, heads, options=options).segments) == expected


def test_offsets_point_dy_dx_to_the_nearest_center(method):
    offset = np.zeros((2, 16, 16))
    offset[0, 1, 14] = 13       # down, to (14, 14)
    offset[1, 14, 1] = 13       # right, to the same
    heads = make_heads(np.full((16, 16), CAR), [(1, 1, 0.9), (14, 14, 0.9)], offset)
    labels = group(method, heads).labels
    assert labels[1, 14] == labels[14, 1] == 202
    assert labels[1, 13] == labels[13, 1] == 201


def test_the_first_of_equally_near_centers_is_taken(method):
    heads = make_heads(np.full((1, 9), CAR), [(0, 0, 0.9), (0, 8, 0.9)])
    assert group(method, heads).labels.tolist() == [[201] * 5 + [202] * 4]


def test_stuff_belongs_to_no_instance(method):
    classes = np.full((6, 6), ROAD)
    classes[2:4, 2:4] = CAR
    labels = group(method, make_heads(classes, [(0, 0, 0.9)])).labels
    assert (labels[classes == ROAD] == 0).all()
    assert (labels[classes == CAR] == 201).all()


def test_an_instance_takes_its_most_frequent_class_and_the_lower_id_on_ties(method):
    for classes, expected in (([CAR, BUS, BUS], 301), ([BUS, CAR, BUS, CAR], 201)):
        labels = group(method, make_heads([classes], [(0, 0, 0.9)])).labels
        assert (labels == expected).all()


def test_a_center_without_pixels_takes_no_number(method):
    classes = np.full((1, 24), ROAD)
    classes[0, 16:] = CAR
    heads = make_heads(classes, [(0, 0, 0.9), (0, 20, 0.9)])
    assert group(method, heads).segments.label.tolist() == [0, 201]


def test_things_without_any_center_are_unlabeled(method):
    panoptic = group(method, make_heads([[CAR, ROAD, BUS]]))
    assert panoptic.labels.tolist() == [[UNLABELED, 0, UNLABELED]]


def test_small_stuff_is_unlabeled_but_small_things_are_not(method):
    classes = np.full((6, 8), ROAD)
    classes[0] = SKY
    classes[1, 0] = CAR
    heads = make_heads(classes, [(1, 0, 0.9)])
    for stuff_area, labels in ((8, [0, 100, 201]), (9, [0, 201])):
        panoptic = group(method, heads, options=deeplab.Options(stuff_area=stuff_area))
        assert panoptic.segments.label.tolist() == labels


def test_instances_past_the_label_divisor_are_unlabeled(method):
    heads = make_heads(np.full((1, 120), CAR), [(0, x, 0.9) for x in range(120)])
    labels = group(method, heads, options=deeplab.Options(nms_kernel=1)).labels
    assert labels[0, :99].tolist() == list(range(201, 300))
    assert (labels[0, 99:] == UNLABELED).all()


@pytest.mark.parametrize('factor', [0.5, 1, 2, 3])
def test_offsets_follow_the_output_size(method, factor):
    size = round(48 * factor), round(96 * factor)
    y, x = np.mgrid[:24, :48]
    middle_x = np.where(x < 24, 12.3, 36.3)     # in cells; an exact middle is a flat peak
    offset = 2 * np.stack([12.2 - y, middle_x - x])
    heads = make_heads(np.full((24, 48), CAR), (), offset, stride=2)
    heads.center[:] = np.exp(-((y - 12.2) ** 2 + (x - middle_x) ** 2) / 18)
    labels = group(method, heads, size).labels
    expected = np.where(np.arange(size[1]) < size[1] / 2, 201, 202)
    assert (labels == expected).mean() > 0.95       # offsets jump between the two
    assert set(np.unique(labels)) == {201, 202}


def test_an_area_a_box_and_a_centroid(method):
    classes = np.full((6, 8), ROAD)
    classes[2:4, 3:8] = CAR
    table = group(method, make_heads(classes, [(0, 0, 0.9)])).segments
    assert table.label.tolist() == [0, 201]
    assert table.area.tolist() == [38, 10]
    assert table.box.tolist() == [[0, 0, 8, 6], [3, 2, 8, 4]]
    assert table.centroid[1].tolist() == [5, 2.5]


def test_a_score_is_the_mean_probability_times_the_heat(method):
    heads = make_heads([[ROAD, ROAD, CAR, CAR]], [(0, 3, 0.5)], logit=1.0)
    heads.semantic[CAR, 0, 3] = 2
    share = np.exp([1, 2]) / (np.exp([1, 2]) + 3)
    segments = group(method, heads).segments
    assert segments.label.tolist() == [0, 201]
    np.testing.assert_allclose(segments.score, [share[0], 0.5 * share.mean()], rtol=1e-5)


def test_the_score_is_that_of_the_class_voted_for(method):
    heads = make_heads([[BUS, CAR, CAR]], [(0, 0, 3.0)], logit=2.0)     # heat counts as 1
    car, bus = np.exp(2) / (np.exp(2) + 3), 1 / (np.exp(2) + 3)
    score = group(method, heads).segments.score
    np.testing.assert_allclose(score, [(2 * car + bus) / 3], rtol=1e-5)


def test_confidence_is_computed_on_demand(method):
    heads = make_heads([[ROAD, SKY]], logit=50)
    heads.semantic[:, 0, 1] = 0
    assert group(method, heads).confidence is None
    confidence = group(method, heads, (1, 4), confidence=True).confidence
    assert confidence.tolist() == [[255, 207, 112, 64]]     # 1, 0.8125, 0.4375, 0.25


def test_nan_and_infinite_heads(method):
    heads = make_heads([[ROAD, SKY, CAR, CAR, CAR, CAR]], [(0, 2, np.nan), (0, 3, np.inf)])
    heads.semantic[ROAD, 0, 0] = np.nan
    heads.semantic[BUS, 0, 0] = -np.inf
    heads.semantic[BUS, 0, 1] = np.inf
    heads.semantic[:, 0, 5] = np.nan
    heads.offset[:, 0, 2] = np.nan, np.inf
    panoptic = group(method, heads)
    assert panoptic.labels.tolist() == [[100, 201, 201, 201, 201, 0]]
    assert panoptic.segments.score[0] <= 1


def test_float16_heads_are_read_as_float32(method):
    heads = make_heads([[ROAD, CAR, CAR, SKY]], [(0, 1, 0.9)])
    half = Heads(*(a.astype(np.float16) for a in (heads.semantic, heads.center, heads.offset)), 1)
    expected = group(method, heads, (3, 9)).labels
    assert (group(method, half, (3, 9)).labels == expected).all()
