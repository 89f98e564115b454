"""The state beside each output: done, failed and why, partial, set aside."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from . import storage
from .jobs import Job, Outcome

ENDING = '.state.json'


@dataclass(frozen=True)
class State:
    """What is known of an output."""

    state: str
    """'partial', 'done', 'failed', or 'aside': set aside, as it ends its workers."""
    input: str
    key: str
    """Of the job that wrote it: ``Job.key``."""
    reason: str = ''
    frames: int = 0
    things: int = 0
    seconds: float = 0.0
    deaths: int = 0
    """How many workers ended while they were at it."""
    worker: str = ''
    replaces: bool = False
    """Whether another output was there when the work began."""

    @classmethod
    def of(cls, outcome: Outcome, deaths: int = 0) -> State:
        """Return the state after a job."""
        state = outcome.state if outcome.state in ('done', 'failed', 'aside') else 'partial'
        return cls(state, outcome.job.input, outcome.job.key, outcome.reason, outcome.frames,
                   outcome.things, round(outcome.seconds, 3), deaths, outcome.worker)


def path_of(job: Job) -> str:
    """Return where a job's state is."""
    return f'{job.output.rstrip("/")}{ENDING}'


def read(job: Job) -> State | None:
    """Return the state beside a job's output; None if there is none that can be read."""
    text = storage.read(path_of(job))
    if text is None:
        return None
    try:
        return State(**json.loads(text))
    except (TypeError, ValueError):
        return None     # cut off, or of another version: the output speaks for itself


def write(job: Job, state: State) -> None:
    """Write the state beside a job's output."""
    storage.write(path_of(job), json.dumps(asdict(state), indent=2) + '\n')


def begin(job: Job) -> State:
    """
    Note that work on a job begins, and return what was known of it.

    Raises
    ------
    FileExistsError
        Its output is there and is of another job, and is not to be replaced.

    """
    known = read(job)
    there = storage.exists(job.output)
    ours = known is not None and known.key == job.key
    if there and not ours and not job.settings.overwrite:
        raise FileExistsError(
            f'{job.output} exists and ' + (f'was labelled from {known.input} otherwise'
                                           if known else 'has no state beside it')
            + ': write into another folder, or let it be replaced (--overwrite)')
    begun = State('partial', job.input, job.key, deaths=known.deaths if known and ours else 0,
                  replaces=there)
    if known and ours and known.state == 'partial' and there and not known.replaces:
        return replace(known, state='done')     # the worker ended between the two
    write(job, begun)
    return known if known and ours else begun


def is_done(job: Job) -> bool:
    """
    Tell whether a job need not be done, by its state.

    With ``overwrite`` a job of the same key is done as well: it would give the same bytes.
    """
    known = read(job)
    return bool(known and known.state == 'done' and known.key == job.key
                and storage.exists(job.output))
