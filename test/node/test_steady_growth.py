"""What a soak takes for a leak: support/memory.py."""

from itertools import combinations

import numpy as np
import pytest
from memory import steady_growth

READINGS = 20
ARENA = 1 << 20


def stepped(*steps, base=4e8):
    """Readings that rise by an arena at some of them."""
    return base + ARENA * sum((np.arange(READINGS) >= step for step in steps), np.zeros(READINGS))


def test_one_or_two_steps_are_no_growth():
    """Whenever they come: arenas that are taken once, and are kept."""
    for steps in [(), *((step,) for step in range(READINGS)),
                  *combinations(range(READINGS), 2)]:
        assert steady_growth(stepped(*steps)) == 0, steps


def test_what_failed_in_continuous_integration_is_no_growth():
    assert steady_growth([418.6e6] * 13 + [419.2e6] + [419.8e6] * 16) == 0


@pytest.mark.parametrize('kept', [6e3, 1e5, 6e5, -6e5])
def test_what_is_kept_of_every_image_is_growth(kept):
    """Also beside a step, and among pages that come and go."""
    noise = np.random.default_rng(1).uniform(-1, 1, READINGS) * abs(kept)
    readings = kept * np.arange(READINGS)
    assert steady_growth(readings) == pytest.approx(kept)
    assert steady_growth(readings + noise) == pytest.approx(kept, rel=0.3)
    assert steady_growth(readings + stepped(9)) >= kept


@pytest.mark.parametrize('kept', [3e5, 6e5, 2e6])
@pytest.mark.parametrize('taken', [0.0, 0.3, 0.6, 0.9])
def test_what_is_kept_in_arenas_is_growth(kept, taken):
    """An arena is taken whenever the last is full, however full that was at first."""
    readings = ARENA * np.floor(kept * np.arange(READINGS) / ARENA + taken)
    assert 0.4 * kept < steady_growth(readings) < 1.2 * kept


def test_pages_that_come_and_go_are_no_growth():
    for seed in range(50):
        noise = np.random.default_rng(seed).uniform(0, ARENA, READINGS)
        assert steady_growth(4e8 + noise) < 0.01 * ARENA


def test_readings_of_hours():
    assert steady_growth(np.arange(25_001) * 5e3) == pytest.approx(5e3)
