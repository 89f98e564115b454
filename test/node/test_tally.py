from dataclasses import replace

from panoptic_ros.node.camera import Counts
from panoptic_ros.node.tally import WINDOW, Tally


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
        assert lately.more('received') == 10
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
