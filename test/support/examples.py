"""How many examples a property is tried with, by the profile of Hypothesis; see conftest.py."""

from hypothesis import settings


def examples(usual: int) -> int:
    """Return how many examples the profile wants of a test that usually takes so many."""
    return max(1, usual * settings.default.max_examples // 100)
