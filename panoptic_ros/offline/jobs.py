"""A job is data: what is read, what is written, with which model and options."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..images import MAX_PIXELS

KINDS = ('bag', 'video', 'pictures')


@dataclass(frozen=True)
class Settings:
    """What is the same for all jobs of a command."""

    model: str
    """Path of the model's file, the same for every worker."""
    model_hash: str = ''
    """SHA-256 of that file: a worker that finds another file does nothing."""
    device: str = 'auto'
    gpu: int = 0
    threads: int = 0
    """Threads of the network on the processor; 0: a worker's share of the cores."""
    options: tuple[tuple[str, Any], ...] = ()
    """Options of the model's family: names such as 'deeplab.top_k', and values."""
    topic: str | None = None
    prefix: str = '/panoptic_node'
    with_camera: bool = True
    with_overlay: bool = False
    with_tracking: bool = True
    max_pixels: int = MAX_PIXELS
    overwrite: bool = False
    """Whether outputs that are there are replaced."""
    piece: int = 0
    """Seconds of the pieces that long bags are cut into; 0: bags stay whole."""
    staging: str | None = None
    """Folder for what comes from and goes to object stores; None: the system's own."""
    budget: int = 20 << 30
    """Bytes that one worker may have there."""

    def result(self) -> dict[str, Any]:
        """Return what decides the result, as JSON; how it is computed does not."""
        words = asdict(self)
        for name in ('model', 'device', 'gpu', 'threads', 'overwrite', 'piece', 'staging',
                     'budget', 'max_pixels'):
            del words[name]
        return words


@dataclass(frozen=True)
class Job:
    """One input, or a part of one."""

    input: str
    """A path or a URL: of a bag, a video, or a folder of pictures."""
    output: str
    """The path or URL that is written."""
    kind: str
    """One of ``KINDS``."""
    size: int
    """Bytes of the input."""
    settings: Settings
    part: tuple[int, int] | None = None
    """Of a piece of a bag: the span of time, in nanoseconds."""
    pieces: tuple[str, ...] = ()
    """Of a bag whose pieces are to be joined: their paths, in order."""

    @property
    def name(self) -> str:
        """The output's name, which tells people the job."""
        return self.output

    @property
    def pieces_folder(self) -> str:
        """Where the pieces of a bag are until it is done."""
        return f'{self.output.rstrip("/")}.pieces'

    @property
    def key(self) -> str:
        """A word that stands for everything that decides the result."""
        words = json.dumps([self.input, self.kind, self.size, self.part, self.settings.result()],
                           sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()[:16]

    def cut(self, parts: list[tuple[int, int]]) -> list[Job]:
        """Return the jobs of a bag's pieces; they lie in a folder beside the output."""
        return [replace(self, part=part,
                        output=f'{self.pieces_folder}/{self.settings.piece}s-{number:05d}')
                for number, part in enumerate(parts)]

    def joining(self, pieces: list[Job]) -> Job:
        """Return the job that joins the pieces."""
        return replace(self, pieces=tuple(piece.output for piece in pieces))


@dataclass(frozen=True)
class Outcome:
    """How a job ended, or how far it came."""

    job: Job
    state: str
    """
    'done'; 'failed', for a reason that would come again; 'hindered', for one that need not come
    again or elsewhere; 'partial', when it was stopped; 'cut', into ``parts``; 'lost', when its
    worker ended; 'orphaned', when its machine did.
    """
    reason: str = ''
    frames: int = 0
    things: int = 0
    resumed: int = 0
    """Frames that an earlier run had done."""
    seconds: float = 0.0
    """Seconds of work."""
    network_seconds: float = 0.0
    """Seconds of them in the segmenter, the rest being reading, writing and waiting."""
    worker: str = ''
    """Machine and process."""
    node: str = ''
    """Ray's name of the machine, if Ray ran it."""
    parts: tuple[tuple[int, int], ...] = ()
    about_worker: bool = False
    """Whether the worker cannot do any job, as when it finds no model."""
