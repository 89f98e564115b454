"""A recording's time, with gaps; without DDS."""

import pytest

from panoptic_ros.bags import timeline
from panoptic_ros.bags.timeline import Timeline

SECOND = 10**9


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [100.0]
    monkeypatch.setattr(timeline.time, 'monotonic', lambda: now[0])
    return now


def test_messages_are_due_as_they_were_recorded(clock):
    line = Timeline(5 * SECOND, rate=2.0)
    assert line.now() == 5 * SECOND
    line.begin()
    assert line.approach(9 * SECOND) == 0
    assert line.due(9 * SECOND) == 102
    clock[0] = 103
    assert line.now() == 11 * SECOND


@pytest.mark.parametrize(('max_gap', 'skipped'), [
    (10.0, 99.0), (0.5, 99.5), (100.0, 0.0), (float('inf'), 0.0)])
def test_a_gap_is_cut_short(clock, max_gap, skipped):
    line = Timeline(0, rate=1.0, max_gap=max_gap)
    line.begin()
    assert line.approach(0) == 0
    assert line.approach(100 * SECOND) == skipped
    assert line.due(100 * SECOND) == 200 - skipped
    assert line.now() == skipped * SECOND
    assert line.approach(100 * SECOND) == 0
    line.begin()        # a loop
    assert line.now() == 0
    assert line.approach(0) == 0


@pytest.mark.parametrize(('rate', 'max_gap', 'reason'), [
    (0.0, 1.0, 'rate is 0.0'), (float('nan'), 1.0, 'rate is nan'), (1.0, -1.0, 'max-gap is -1'),
    (1.0, float('nan'), 'max-gap is nan')])
def test_what_is_no_rate_and_no_gap(rate, max_gap, reason):
    with pytest.raises(ValueError, match=reason):
        Timeline(0, rate, max_gap)


@pytest.mark.parametrize('rate', [float('inf'), 1e300])
def test_a_rate_that_no_clock_can_follow(rate):
    with pytest.raises(ValueError, match='rate is'):
        Timeline(0, rate)
