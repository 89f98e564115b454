"""Measuring several sides in turns, so that all meet the same machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

import numpy as np
from rich.progress import track

_SLOW_EVERY = 5


def measure(sides: Mapping[str, Callable[[], object]], rounds: int, title: str,
            slow: Collection[str] = ()) -> dict[str, list[float]]:
    """
    Call the sides in turns; return the milliseconds of each call.

    Parameters
    ----------
    sides
        What is called, by name.
    rounds
        How often; a first round, which warms caches, comes on top and does not count.
    title
        Shown while it works.
    slow
        Sides that take part only in every fifth round.

    """
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in track(range(-1, rounds), title, transient=True):
        for name, side in sides.items():
            if name in slow and number % _SLOW_EVERY:
                continue
            start = time.perf_counter()
            side()
            if number >= 0:
                times[name].append(1e3 * (time.perf_counter() - start))
    return times


def medians(times: Mapping[str, list[float]]) -> dict[str, float]:
    """Return the median of each side."""
    return {name: float(np.median(values)) for name, values in times.items()}
