"""Doubles of what does jobs, and jobs that need no model; importable by workers."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from panoptic_ros.offline import states
from panoptic_ros.offline.jobs import Job, Outcome, Settings

SETTINGS = Settings('no model')


def job(folder: Path, name: str, size: int = 1) -> Job:
    return Job(f'{folder}/in/{name}', f'{folder}/out/{name}', 'bag', size, SETTINGS)


class Stub:
    """
    Writes a file for a job; a job's name says what happens to it.

    ``kill`` ends the process; ``once`` does so the first time; ``bad`` fails; ``odd`` is hindered
    the first time; ``full`` always; ``wait`` waits for a file; ``disk`` is hindered on the first
    machine.
    """

    def __init__(self, gpu: int | None = None) -> None:
        self.opened = time.monotonic_ns()

    def __call__(self, job: Job, report) -> Outcome:
        name = job.output.rpartition('/')[2]
        known = states.begin(job)
        if known.state == 'done' and known.key == job.key:      # as Worker does
            return self._ended(job, 'done', '', 3)
        first = not Path(f'{job.output}.tried').exists()
        Path(f'{job.output}.tried').touch()
        if 'kill' in name or ('once' in name and first):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith('wait'):
            Path(f'{job.output}.at').write_text(_node())
            while not Path(f'{job.output}.go').exists():
                report(job.name, 1)
                time.sleep(0.1)
        if name.startswith('disk') and first:
            Path(f'{job.output}.at').write_text(_node())
            return self._ended(job, 'hindered', 'the disk is full')
        if 'slow' in name:
            for frame in range(1000):
                time.sleep(0.05)
                if not report(job.name, frame):
                    return self._ended(job, 'partial', 'it was stopped', frame)
        if 'bad' in name:
            return self._ended(job, 'failed', 'it is damaged')
        if 'full' in name or ('odd' in name and first):
            return self._ended(job, 'hindered', 'the disk is full')
        if 'unable' in name:
            return Outcome(job, 'hindered', 'no model', about_worker=True)
        with Path(job.output).open('x') as file:        # written twice, it would fail
            file.write(f'{self.opened} {_node()}')
        report(job.name, 3)
        return self._ended(job, 'done', '', 3)

    def _ended(self, job: Job, state: str, reason: str, frames: int = 0) -> Outcome:
        outcome = Outcome(job, state, reason, frames, worker=str(os.getpid()))
        states.note(outcome)
        return outcome


def _node() -> str:
    """Return the name of Ray's machine, if Ray runs this."""
    ray = sys.modules.get('ray')
    return ray.get_runtime_context().get_node_id() if ray and ray.is_initialized() else ''
