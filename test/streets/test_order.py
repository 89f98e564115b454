import numpy as np

from panoptic_ros.streets.order import far_to_near

CAMERA = (0.0, 1.5)     # s, d


def order(*footprints):
    return far_to_near(np.array(footprints, float).reshape(-1, 4), CAMERA)


def test_farther_along_the_road_comes_first():
    assert order((5, 9, 1, 3), (30, 34, 1, 3), (12, 16, 1, 3)) == [1, 2, 0]


def test_of_two_side_by_side_the_outer_comes_first():
    house, parked = (0, 30, 8, 18), (4, 8, 4, 6)
    assert order(parked, house) == [1, 0]
    tram, oncoming = (2, 30, -9, -6.5), (10, 14, -3, -1)
    assert order(oncoming, tram) == [1, 0]


def test_a_near_house_hides_what_stands_behind_it():
    house, lamp_beyond = (0, 20, 8, 18), (25, 25.3, 6, 6.3)
    assert order(house, lamp_beyond) == [1, 0]


def test_it_is_a_permutation_even_of_things_in_one_place():
    assert sorted(order(*[(5, 6, 1, 2)] * 7)) == list(range(7))
    assert order() == []


def test_a_hider_always_follows_what_it_hides():
    rng = np.random.default_rng(1)
    start = rng.uniform(2, 80, 60)
    side = rng.uniform(-9, 9, 60)
    feet = np.stack([start, start + rng.uniform(.3, 4, 60), side, side + .5], 1)
    place = np.argsort(far_to_near(feet, CAMERA))
    for far in range(60):
        for near in range(60):
            if feet[far, 0] > feet[near, 1]:
                assert place[far] < place[near]
