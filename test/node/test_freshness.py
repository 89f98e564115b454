import pytest

from panoptic_ros.node.freshness import Freshness


def test_labels_are_due_from_the_first_image_that_is_newer():
    """At 10 Hz and with an engine of 0.3 s: never longer than from one image to its labels."""
    freshness = Freshness()
    assert freshness.overdue(50.0) == 0
    assert freshness.age(50.0) is None
    for tick in range(100, 200):
        now = tick / 10
        freshness.receive(now)
        if tick % 3 == 0 and tick > 102:
            freshness.publish((tick - 3) / 10)
            assert freshness.age(now) == pytest.approx(0.3)
            assert freshness.overdue(now) == pytest.approx(0.2)
    assert freshness.overdue(30.0) == pytest.approx(30 - 19.6)
    assert freshness.age(30.0) == pytest.approx(30 - 19.5)


def test_a_slow_camera_whose_labels_come_owes_nothing():
    freshness = Freshness()
    freshness.receive(1.0)
    assert freshness.overdue(1.5) == 0.5
    freshness.publish(1.0)
    assert freshness.overdue(100.0) == 0
    assert freshness.age(100.0) == 99


def test_without_any_labels_they_are_due_from_the_first_image():
    freshness = Freshness()
    for arrival in range(10000):    # more than are remembered
        freshness.receive(arrival)
    assert freshness.overdue(20000.0) == 20000
    freshness.restart()
    assert freshness.overdue(20000.0) == 0
    freshness.receive(20001.0)
    assert freshness.overdue(20003.0) == 2
