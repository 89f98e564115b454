"""What became of a camera's frames: numbers, age and latency."""

from dataclasses import replace

import pytest

from panoptic_ros.node.record import (
    STAGES,
    WINDOW,
    Counts,
    Freshness,
    LatencyWindow,
    Stamp,
    Tally,
)


@pytest.mark.parametrize('stamp', [Stamp(0.0, False, True), Stamp(-0.05, False, True)])
def test_a_good_stamp_is_not_doubted(stamp):
    assert stamp.doubt(5.0) is None


def test_rates_are_those_of_the_last_seconds():
    tally, counts = Tally(100.0), Counts()
    for second in range(1, 21):
        counts.received += 10
        counts.segmented += 10 if second <= 10 else 4
        counts.dropped += 0 if second <= 10 else 6
        counts.lost += 2
        lately = tally.look(counts, 100.0 + second, True)
        assert lately.settled == (second >= WINDOW)
        assert lately.received_rate == 10
        if second <= 10:
            assert lately.segmented_rate == 10
        assert lately.lost_rate == 2
        assert lately.counts == counts
        assert lately.new.received == 10
        assert lately.before == (replace(counts, received=10 * second - 10, lost=2 * second - 2,
                                         segmented=lately.before.segmented,
                                         dropped=lately.before.dropped))
    assert lately.segmented_rate == 4
    assert lately.dropped_rate == 6


def test_rates_begin_anew_with_the_images():
    tally, counts = Tally(0.0), Counts()
    for second in range(1, 30):
        assert not tally.look(counts, second, False).settled
    counts.received = counts.segmented = 10
    lately = tally.look(counts, 30.0, True)
    assert (lately.received_rate, lately.segmented_rate) == (10, 10)
    assert not lately.settled


def test_a_look_keeps_what_it_saw():
    """A frame that is lost after a look, and before what is made of it, is new at the next."""
    tally, counts = Tally(0.0), Counts(received=1)
    first = tally.look(counts, 1.0, True)
    counts.rejected = 1
    assert first.counts.rejected == 0
    second = tally.look(counts, 2.0, True)
    assert (second.before.rejected, second.counts.rejected) == (0, 1)


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


def test_percentiles_are_values_that_were_measured():
    window = LatencyWindow()
    for milliseconds in range(1, 101):
        window.record({'network': milliseconds / 1000, 'total': 1.0})
    network = window.summary()['network']
    assert (network.p50, network.p99, network.max) == (0.05, 0.099, 0.1)


def test_a_window_forgets():
    window = LatencyWindow(frames=3)
    for seconds in (9.0, 1.0, 2.0, 3.0):
        window.record({'total': seconds})
    assert len(window) == 3
    assert window.summary()['total'].max == 3


def test_stages_that_were_not_measured_are_absent_and_others_in_order():
    window = LatencyWindow()
    assert window.summary() == {}
    window.record({'total': 2.0, 'wait': 1.0})
    window.record({'total': 2.0, 'unknown': 1.0})
    assert list(window.summary()) == ['wait', 'total']
    assert window.summary()['wait'].max == pytest.approx(1)
    assert {'wait', 'total'} < set(STAGES)
