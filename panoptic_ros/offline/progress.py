"""How far a command is, and what became of its jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from time import monotonic

from .jobs import Job, Outcome


@dataclass
class Progress:
    """How far a command is."""

    jobs: int
    bytes: int
    done: int = 0
    failed: int = 0
    known: int = 0
    """Jobs that an earlier run had done; they count among ``done``."""
    frames: int = 0
    things: int = 0
    resumed: int = 0
    bytes_done: int = 0
    bytes_known: int = 0
    """Of ``bytes_done``, those that an earlier run had done."""
    running: dict[str, int] = field(default_factory=dict)
    start: float = field(default_factory=monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return monotonic() - self.start

    @property
    def rate(self) -> float:
        """Frames per second of this run."""
        return (self.frames - self.resumed + sum(self.running.values())) / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the end, judged by bytes; None as long as nothing is done."""
        now = self.bytes_done - self.bytes_known
        return (self.bytes - self.bytes_done) * self.seconds / now if now else None


@dataclass
class Report:
    """What became of all jobs."""

    done: list[Outcome] = field(default_factory=list)
    known: list[Job] = field(default_factory=list)
    failed: list[Outcome] = field(default_factory=list)
    aside: list[Outcome] = field(default_factory=list)
    stopped: list[Job] = field(default_factory=list)
    """Jobs that were not begun, or not ended, when the command was stopped."""
    tries: Counter[str] = field(default_factory=Counter)
