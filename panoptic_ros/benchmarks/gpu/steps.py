"""The steps of the GPU benchmark and their outcomes."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Collection
from typing import Any

from .limit import Limit, OutOfTimeError

PASSED, FAILED, NOT_RUN = 'passed', 'failed', 'not run'

Report = dict[str, Any]


class MissingError(Exception):
    """A step needs something that this machine lacks; the message says how to get it."""


class FailedError(Exception):
    """A step found a fault; the message describes the fault."""


class Steps:
    """
    Runs steps one after the other; after an error in one step, the others still run.

    Parameters
    ----------
    names
        The chosen steps.
    limit
        The time limit of all steps together, which must have been entered.
    report
        Receives outcome, a sentence and the seconds of each step, under 'steps'.
    save
        Writes the report to disk; it is called before and after each step.

    """

    def __init__(self, names: Collection[str], limit: Limit, report: Report,
                 save: Callable[[], None]) -> None:
        self._limit, self._save = limit, save
        self._steps: dict[str, dict[str, Any]] = {name: {
            'outcome': NOT_RUN, 'detail': 'the benchmark was ended before it', 'seconds': 0.}
            for name in names}
        report['steps'] = self._steps

    @property
    def failed(self) -> dict[str, str]:
        """The reasons of the steps that failed or ran out of time, by the steps' names."""
        return {name: step['detail'] for name, step in self._steps.items()
                if step['outcome'] == FAILED}

    def run(self, name: str, work: Callable[[], str], needs: str = '') -> None:
        """
        Run a step if it was chosen, time is left, and the step that it needs has passed.

        ``work`` returns a sentence, or raises ``MissingError`` or ``FailedError``.  Any other
        error is a failure, too, and is printed with its traceback.
        """
        step = self._steps.get(name)
        if step is None:
            return
        if needs and self._steps[needs]['outcome'] != PASSED:
            step['detail'] = f'it needs the step {needs}, which has not passed'
            return
        print(f'{name} ...', file=sys.stderr, flush=True)
        step['detail'] = 'the benchmark was ended while it ran'
        self._save()
        start = time.monotonic()
        try:
            with self._limit.watch():
                step |= {'outcome': PASSED, 'detail': work()}
        except MissingError as reason:
            step['detail'] = str(reason)
        except (FailedError, OutOfTimeError) as reason:
            step |= {'outcome': FAILED, 'detail': str(reason)}
        except Exception as error:
            traceback.print_exc()
            step |= {'outcome': FAILED, 'detail': f'{type(error).__name__}: {error}'}
        step['seconds'] = round(time.monotonic() - start, 1)
        self._save()
        print(f'{name}: {step["outcome"]} after {step["seconds"]} s: {step["detail"]}',
              file=sys.stderr, flush=True)
