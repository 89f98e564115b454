"""The steps of the GPU benchmark, and what came of each."""

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
    """A step needs what this machine lacks; the message says what, and how to get it."""


class FailedError(Exception):
    """What a step looked at is not as it should be; the message says what it found."""


class Steps:
    """
    Runs steps one after the other; whatever one raises, the others are run.

    Parameters
    ----------
    names
        The steps that are wanted.
    limit
        For all of them together; entered.
    report
        Receives outcome, a sentence and the seconds of each step, under 'steps'.
    save
        Brings the report to disk; called before and after each step.

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
        """What failed, or was not done for lack of time, and why."""
        return {name: step['detail'] for name, step in self._steps.items()
                if step['outcome'] == FAILED}

    def run(self, name: str, work: Callable[[], str], needs: str = '') -> None:
        """
        Run a step if it is wanted, time is left and the step that it needs has passed.

        ``work`` returns a sentence.  It raises ``MissingError`` or ``FailedError``; whatever else
        it raises is shown with its traceback and is a failure too.
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
