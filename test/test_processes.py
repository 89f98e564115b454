"""Processes that work for this one: the signals that they ignore, and their end."""

import os
import signal
import subprocess
import sys

import pytest

from panoptic_ros.processes import SIGNALS, ProcessPool, cores

PARENT = """
import os, time
from panoptic_ros.processes import ProcessPool
with ProcessPool(1) as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


class Signal:
    """Is a signal to the process that unpickles it, which it does before anything else."""

    def __init__(self, number):
        self.number = number

    def __reduce__(self):
        return signal.raise_signal, (self.number,)


@pytest.mark.slow
def test_a_process_ignores_signals_from_its_first_moment():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with ProcessPool(1, list, [Signal(number) for number in SIGNALS]) as pool:
        assert pool.submit(signal.getsignal, signal.SIGTERM).result(60) == signal.SIG_IGN
        assert not pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result(60)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


@pytest.mark.slow
def test_a_process_ends_with_the_one_that_it_works_for():
    process = subprocess.Popen([sys.executable, '-c', PARENT], stdout=subprocess.PIPE)
    process.stdout.readline()
    process.kill()
    process.communicate(timeout=60)     # the other one holds the same output


def test_cores_are_those_that_this_process_may_use():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
