"""The progress of a build, and its cancellation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = Callable[[str, float], None]
"""Receives the name of the phase and the share of the build that is done, 0 to 1."""

Cancelled = Callable[[], bool]
"""Returns whether the build shall end; ``threading.Event.is_set`` is one."""


class BuildCancelled(Exception):  # noqa: N818 - this is no error
    """The build was asked to end; nothing was written."""


class Phases:
    """The phases of a build, which lie within each other, as one share that only grows."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, int, int]] = []    # name, done, of how many
        self._share = 0.0

    def start(self, name: str, steps: int) -> float:
        """Begin a phase within the innermost one; return the share that is done."""
        self._steps.append((name, 0, max(1, steps)))
        return self._measure()

    def step(self, name: str, number: int) -> float:
        """Note that a step, counted from 0, of a phase is done; return the share."""
        self._steps = [(phase, number + 1 if phase == name else done, count)
                       for phase, done, count in self._steps]
        return self._measure()

    def finish(self, name: str) -> float:
        """End a phase and those within it; return the share."""
        while self._steps and self._steps.pop()[0] != name:
            continue
        if not self._steps:
            self._share = 1.0
        return self._measure()

    def _measure(self) -> float:
        share, weight = 0.0, 1.0
        for _, done, count in self._steps:
            weight /= count
            share += min(done, count) * weight
        self._share = max(self._share, min(share, 1.0))
        return self._share


def create_monitor(tensorrt: Any, progress: Progress | None, cancelled: Cancelled | None) -> Any:
    """
    Return an ``IProgressMonitor``.

    An exception in ``progress`` or ``cancelled`` ends the build.  It is kept in the attribute
    ``error``, because it must not travel through TensorRT's own frames.
    """

    class Monitor(tensorrt.IProgressMonitor):
        """Passes on the progress that TensorRT reports."""

        def __init__(self) -> None:
            tensorrt.IProgressMonitor.__init__(self)
            self.error: BaseException | None = None
            self._phases = Phases()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._tell(phase_name, lambda: self._phases.start(phase_name, num_steps))

        def phase_finish(self, phase_name: str) -> None:
            self._tell(phase_name, lambda: self._phases.finish(phase_name))

        def step_complete(self, phase_name: str, step: int) -> bool:
            self._tell(phase_name, lambda: self._phases.step(phase_name, step))
            return self.error is None

        def _tell(self, phase: str, measure: Callable[[], float]) -> None:
            try:
                share = measure()
                if self.error is None:
                    poll(cancelled)
                    if progress is not None:
                        progress(phase, share)
            except BaseException as error:      # KeyboardInterrupt, too
                self.error = self.error or error

    return Monitor()


def poll(cancelled: Cancelled | None) -> None:
    """
    Raise an exception if the build shall end.

    Raises
    ------
    BuildCancelled
        ``cancelled`` returned true.

    """
    if cancelled is not None and cancelled():
        raise BuildCancelled('the build was cancelled: nothing was written')
