"""Progress and learning rate."""

import pytest

from panoptic_ros.network.schedule import Schedule


def test_steps_or_minutes_measure_the_progress():
    assert Schedule(steps=200).progress(50, 1e9) == 0.25
    assert Schedule(minutes=2).progress(10 ** 9, 30) == 0.25
    assert Schedule(steps=200).progress(300, 0) == 1.0


def test_the_rate_rises_then_falls_to_zero():
    schedule = Schedule(rate=1.0, steps=1, warmup=0.2, power=0.9)
    assert schedule.learning_rate(0.0) == pytest.approx(0.01)
    assert schedule.learning_rate(0.1) == pytest.approx(0.5)
    assert schedule.learning_rate(0.2) == pytest.approx(1.0)
    assert schedule.learning_rate(0.6) == pytest.approx(0.5 ** 0.9)
    assert schedule.learning_rate(1.0) == 0.0


@pytest.mark.parametrize('options', [
    {}, {'steps': 1, 'minutes': 1.0}, {'steps': -1}, {'steps': 1, 'rate': 0.0},
    {'steps': 1, 'warmup': 1.0}])
def test_nonsense_is_refused(options):
    with pytest.raises(ValueError):
        Schedule(**options)
