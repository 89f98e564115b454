"""Progress and learning rate."""

import pytest

from panoptic_ros.network.families.deeplab.recipes import RECIPES
from panoptic_ros.network.schedule import Schedule


def test_steps_or_minutes_measure_the_progress():
    assert Schedule(1e-3, 0.0, steps=200).progress(50, 1e9) == 0.25
    assert Schedule(1e-3, 0.0, minutes=2).progress(10 ** 9, 30) == 0.25
    assert Schedule(1e-3, 0.0, steps=200).progress(300, 0) == 1.0


def test_the_rate_rises_to_a_polynomial_that_falls_to_zero():
    schedule = Schedule(rate=2.0, steps=1, warmup=0.2, power=0.9)
    assert schedule.learning_rate(0.0) == pytest.approx(2.0 * 0.001)
    assert schedule.learning_rate(0.1) == pytest.approx(2.0 * 0.5005 * 0.9 ** 0.9)
    assert schedule.learning_rate(0.2) == pytest.approx(2.0 * 0.8 ** 0.9)
    assert schedule.learning_rate(0.6) == pytest.approx(2.0 * 0.4 ** 0.9)
    assert schedule.learning_rate(1.0) == 0.0


def test_the_published_schedule_has_the_rates_of_its_source():
    """Compare with detectron2's WarmupPolyLR at 1e-3, 90,000 steps and 1,000 of warm-up."""
    recipe = RECIPES['cityscapes']
    schedule = Schedule(recipe.rate, recipe.warmup, recipe.steps)
    rates = {0: 1e-6, 100: 1.00799e-4, 500: 4.97997e-4, 1000: 9.89994e-4, 45_000: 5.35887e-4,
             89_000: 1.742536e-5}
    for step, rate in rates.items():
        at = schedule.learning_rate(schedule.progress(step, 0))
        assert at == pytest.approx(rate, rel=1e-5), step


@pytest.mark.parametrize('options', [
    {}, {'steps': 1, 'minutes': 1.0}, {'steps': -1}, {'steps': 1, 'rate': 0.0},
    {'steps': 1, 'warmup': 1.0}])
def test_nonsense_is_refused(options):
    with pytest.raises(ValueError):
        Schedule(**{'rate': 1e-3, 'warmup': 0.0} | options)
