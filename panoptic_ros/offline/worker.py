"""What does jobs: one process, which opens one model and keeps it."""

from __future__ import annotations

import hashlib
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from time import perf_counter

from ..device import DeviceError
from ..families.options import chosen, foreign
from ..pictures import Labelled
from ..segmenter import Segmenter, Setup
from . import states
from .jobs import Job, Outcome, Settings
from .labelling import Cut, Place, label
from .staging import Staging

Report = Callable[[str, int], bool]
"""Receives a job's name and how many of its frames are done; returns whether to go on."""

log = logging.getLogger('panoptic_ros.offline')

HINDRANCES = (OSError, MemoryError, DeviceError, ImportError)
"""Errors of a machine, of which another one may know nothing."""

LOST_GPU = 70
"""The exit status of a worker whose GPU takes no more calls; EX_SOFTWARE."""


class NoModelError(Exception):
    """The worker cannot open the model, whatever the job."""


class Worker:
    """
    Does jobs one after the other, with one model that stays open.

    Parameters
    ----------
    name
        Tells the worker in states and logs; by default machine and process.
    gpu
        Number of the GPU in place of the settings' one.
    tell
        Receives what is worth knowing about the opening of the model.
    is_alone
        Whether the process is the command's own, which goes on after any error of a GPU.

    """

    def __init__(self, name: str = '', gpu: int | None = None,
                 tell: Callable[[str], None] = log.info, is_alone: bool = False) -> None:
        self.name = name or f'{socket.gethostname()}:{os.getpid()}'
        self._gpu = gpu
        self._tell = tell
        self._is_alone = is_alone
        self._opened: tuple[Settings, Segmenter] | None = None

    def __call__(self, job: Job, report: Report) -> Outcome:
        """Do a job; whatever happens to it is in the outcome, and in the state beside it."""
        start = perf_counter()
        done = Labelled()
        try:
            outcome = self._do(job, report, done)
        except FileExistsError as error:        # nothing of ours: no state is written over
            return self._ended(job, 'failed', error, done, start)
        except NoModelError as error:
            log.info('%s: %s', job.name, error, exc_info=error.__cause__)
            return replace(self._ended(job, 'hindered', error, done, start), about_worker=True)
        except HINDRANCES as error:
            outcome = self._ended(job, 'hindered', error, done, start)
            if isinstance(error, DeviceError):
                self.close()
            if isinstance(error, DeviceError) and error.sticky and not self._is_alone:
                log.error('%s: %s', job.name, error)
                os._exit(LOST_GPU)      # no call of this process reaches the GPU any more
        except KeyboardInterrupt:
            self._note(self._ended(job, 'partial', 'it was stopped', done, start))
            raise
        except Exception as error:
            if not isinstance(error, ValueError):
                log.exception('%s', job.name)       # a fault of ours: say where
                self.close()        # who knows what it is worth now
            outcome = self._ended(job, 'failed', error, done, start)
        outcome = replace(outcome, seconds=perf_counter() - start)
        if outcome.state == 'cut':
            return outcome
        if trouble := self._note(outcome):
            return self._ended(job, 'hindered', trouble, done, start)
        return outcome

    def close(self) -> None:
        """Close the model."""
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None

    def _do(self, job: Job, report: Report, done: Labelled) -> Outcome:
        known = states.begin(job)
        if known.state == 'done' and known.key == job.key:
            return self._ended(job, 'done', '', Labelled(known.frames, known.things), 0.0)
        log.info('%s: begins', job.name)
        settings = job.settings
        with Staging(settings.staging, settings.budget) as staging:
            output = staging.output(job.output)
            segmenter = self._segmenter(settings)
            found = label(job, Place(staging.input(job.input, job.size), output, tuple(
                staging.input(piece) for piece in job.pieces), known), segmenter,
                lambda: report(job.name, done.frames), done)
            if isinstance(found, Cut):
                return Outcome(job, 'cut', parts=found.parts)
            if found:
                staging.deliver(output, job.output)
        if found and job.kind == 'bag' and job.part is None:
            with suppress(OSError):     # they are of no use any more, and harm nobody
                states.remove_pieces(job)
        reason = '' if found else 'it was stopped'
        return self._ended(job, 'done' if found else 'partial', reason, done, 0.0)

    def _segmenter(self, settings: Settings) -> Segmenter:
        """
        Return the model of the settings, which stays open until others are asked for.

        Raises
        ------
        NoModelError
            It cannot be opened here: no recording is to blame.
        DeviceError
            The GPU takes no more calls of this process.

        """
        key = replace(settings, overwrite=False, piece=0, staging=None, budget=0)
        if self._opened is not None and self._opened[0] == key:
            return self._opened[1]
        self.close()
        try:
            segmenter = self._open(settings)
        except Exception as error:
            if isinstance(error, NoModelError) or (
                    isinstance(error, DeviceError) and error.sticky):
                raise
            raise NoModelError(f'on {self.name}: {error}') from error
        self._opened = key, segmenter
        return segmenter

    def _open(self, settings: Settings) -> Segmenter:
        path = Path(settings.model)
        if settings.model_hash and hash_of(path) != settings.model_hash:
            raise NoModelError(
                f'{path} on {self.name} is not the file that the command was given: copy it '
                'there, or keep models in a folder that all machines share')
        segmenter = Segmenter.open(path, settings.device, setup=Setup(
            threads=settings.threads, log=self._tell,
            gpu=settings.gpu if self._gpu is None else self._gpu))
        try:
            options = dict(settings.options)
            if name := foreign(segmenter.family, options):
                raise NoModelError(f'{name} is no option of the family {segmenter.family.name}, '
                                   'of which the model is: leave it out')
            segmenter.options = chosen(segmenter.family, segmenter.recommended, options)
            segmenter.warm_up()
        except BaseException:
            segmenter.close()
            raise
        return segmenter

    def _note(self, outcome: Outcome) -> OSError | None:
        """Write the state beside the output; return what hindered it."""
        job = outcome.job
        try:
            states.note(outcome)
        except OSError as error:
            log.warning('%s: %s', job.name, error)
            return error
        log.info('%s: %s %s', job.name, outcome.state, outcome.reason)
        return None

    def _ended(self, job: Job, state: str, reason: object, done: Labelled, start: float
               ) -> Outcome:
        words = str(reason) or type(reason).__name__ if reason else ''
        return Outcome(job, state, words, done.frames, done.things,
                       getattr(done, 'resumed', 0), perf_counter() - start,
                       sum(map(sum, done.seconds.values())), self.name)


@cache
def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
