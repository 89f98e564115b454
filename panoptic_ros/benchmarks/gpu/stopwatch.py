"""A stopwatch for work on a GPU: CUDA events, sides in turns, medians."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np

from ...device import Device

Side = Callable[[], object]
"""Enqueues work on the device's stream."""

_RARELY = 5         # slow sides take part only in every fifth round


class Stopwatch:
    """
    Measures work on the stream of a device.

    Parameters
    ----------
    device
        The GPU.
    hold
        Enqueues work that takes longer than enqueuing a side.  It keeps the GPU busy until the
        side is enqueued.  So the GPU's time is measured, and not the processor's.
    warm_up
        Number of first rounds that do not count.

    """

    def __init__(self, device: Device, hold: Side, warm_up: int = 3) -> None:
        self.warm_up = warm_up
        self._device, self._hold = device, hold
        self._start, self._end = device.event(), device.event()

    def medians(self, sides: Mapping[str, Side], rounds: int, slow: Collection[str] = ()
                ) -> dict[str, float]:
        """
        Run the sides in turns and return the median milliseconds of each.

        Sides that are ``slow`` take part only in every fifth round.  If the work fails, this
        raises DeviceError.
        """
        times: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(-self.warm_up, rounds):
            for name, side in sides.items():
                if name in slow and number % _RARELY and number != -self.warm_up:
                    continue
                taken = self._measure(side)
                if number >= 0:
                    times[name].append(taken)
        return {name: float(np.median(values)) for name, values in times.items()}

    def _measure(self, side: Side) -> float:
        self._device.synchronize()
        self._hold()
        self._start.record()
        side()
        self._end.record()
        return self._end.elapsed_since(self._start)
