"""The state beside each output: done, failed and why, partial, set aside."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from ..pictures import ENDINGS
from . import storage
from .jobs import Job, Outcome

ENDING = '.state.json'
BAG_ENDINGS = ('.partial', '.partial.before')
"""Endings of what lies beside a bag until it is whole."""


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
    is_piece: bool = False
    """Whether the output is a piece of the input, which goes away when the whole is done."""


def path_of(job: Job) -> str:
    """Return where a job's state is."""
    return f'{job.output.rstrip("/")}{ENDING}'


def places_beside(job: Job) -> list[str]:
    """Return the paths beside a job's output that its work may take."""
    whole = job.output.rstrip('/')
    if job.kind == 'video':
        return [path_of(job), f'{whole.removesuffix(".mp4")}.partial.mp4']
    bag = [job.pieces_folder, *(f'{whole}{ending}' for ending in BAG_ENDINGS)]
    return [path_of(job), *(bag if job.kind == 'bag' else [])]


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


def is_there(job: Job) -> bool:
    """
    Tell whether something is where a job's output comes.

    The folder of pictures' labels may be there before them, as outputs of other jobs lie in it.
    """
    if job.kind == 'pictures':
        return any(name.endswith(ENDINGS) for name in storage.names(job.output))
    return storage.exists(job.output)


def begin(job: Job) -> State:
    """
    Note that work on a job begins, and return what was known of it.

    The key of the result is the job's only if the job was at work before.

    Raises
    ------
    FileExistsError
        Its output is there and is of another job, and is not to be replaced.

    """
    known = read(job)
    there = is_there(job)
    ours = known is not None and known.key == job.key
    if there and not ours and not job.settings.overwrite:
        raise FileExistsError(
            f'{job.output} exists and ' + (f'was labelled from {known.input} otherwise'
                                           if known else 'has no state beside it')
            + ': write into another folder, or let it be replaced (--overwrite)')
    if known is None or not ours:
        known = State('partial', job.input, '', replaces=there, is_piece=job.part is not None)
    elif there and job.kind != 'pictures' and not known.replaces:
        if known.state == 'partial' and not storage.is_remote(job.output):
            return replace(known, state='done')     # its worker ended between the two
        known = replace(known, replaces=True)       # such as one that an older version left
    write(job, replace(known, state='partial', key=job.key, reason=''))
    return known


def note(outcome: Outcome, deaths: int | None = None) -> None:
    """Write the state after a job; without ``deaths`` they are those that are known."""
    job = outcome.job
    known = read(job)
    if known is None or known.key != job.key:
        known = State('', job.input, job.key, is_piece=job.part is not None)
    write(job, State(
        outcome.state if outcome.state in ('done', 'failed', 'aside') else 'partial', job.input,
        job.key, outcome.reason, outcome.frames, outcome.things, round(outcome.seconds, 3),
        known.deaths if deaths is None else deaths, outcome.worker, known.replaces,
        known.is_piece))


def remove_pieces(job: Job) -> None:
    """
    Remove the pieces of a bag that is done, whatever their length.

    In the folder of their name may be what somebody else put there: only what a state beside it
    calls a piece of the same input is removed, and the folder only if nothing is left in it.
    """
    folder = job.pieces_folder
    for name in storage.listing(folder):
        if '/' in name or not name.endswith(ENDING):
            continue
        piece = replace(job, output=storage.join(folder, name.removesuffix(ENDING)))
        known = read(piece)
        if known is not None and known.is_piece and known.input == job.input:
            for ending in ('', *BAG_ENDINGS):
                storage.remove(f'{piece.output}{ending}')
            storage.remove(path_of(piece))
    storage.remove_empty(folder)


def is_done(job: Job, known: State | None) -> bool:
    """
    Tell whether a job need not be done, by its state.

    With ``overwrite`` a job of the same key is done as well: it would give the same bytes.
    """
    return (known is not None and known.state == 'done' and known.key == job.key
            and is_there(job))
