import itertools
import os
import signal
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from label_scenes import scene_pair

from panoptic_ros import LabelSpace
from panoptic_ros.evaluation import Evaluation, Pair, evaluate

SPACE = LabelSpace.load('cityscapes')
ENDLESS = """
from itertools import count
from test_parallel import SPACE, Loader, evaluate
evaluate(count(), SPACE, Loader(), workers=2, progress=lambda done: print(done, flush=True))
"""


@dataclass
class Loader:
    """Makes pairs of seeds, and counts how many this copy has made."""

    bad_seed: int = -1
    made: int = 0

    def __call__(self, seed: int) -> Pair:
        self.made += 1
        prediction, truth = scene_pair(seed, SPACE, (40, 60))
        if seed == self.bad_seed:
            prediction = prediction[1:]
        return Pair(prediction, truth, seconds=self.made)


def expected(seeds):
    total = Evaluation(SPACE)
    for seed in seeds:
        total.update(*scene_pair(seed, SPACE, (40, 60)))
    return total.to_dict()


@pytest.mark.slow
def test_workers_change_nothing():
    done = []
    total = evaluate(range(12), SPACE, Loader(), workers=2, progress=done.append)
    assert total.to_dict() == evaluate(range(12), SPACE, Loader()).to_dict() == expected(range(12))
    assert done == list(range(1, 13))
    assert len(total.seconds) == 12
    assert max(total.seconds) > 2       # a worker keeps its loader from item to item


@pytest.mark.slow
@pytest.mark.parametrize('workers', [1, 2])
def test_endless_items_are_drawn_only_as_fast_as_they_are_evaluated(workers):
    drawn = []
    ahead = []

    def progress(count):
        ahead.append(len(drawn) - count)
        if count == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate((drawn.append(seed) or seed for seed in itertools.count()), SPACE, Loader(),
                 workers, progress)
    assert len(ahead) == 40
    assert max(ahead) <= (0 if workers == 1 else 2 * workers)


@pytest.mark.slow
@pytest.mark.parametrize('workers', [1, 2])
def test_an_error_says_which_pair(workers):
    with pytest.raises(ValueError, match='image pair 5: prediction is 60x39 and truth 60x40'):
        evaluate(range(10), SPACE, Loader(bad_seed=5), workers=workers)


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_process_that_they_work_for_and_say_nothing(number):
    """Ctrl-C reaches all of them, SIGKILL the first alone."""
    process = subprocess.Popen(
        [sys.executable, '-c', ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)})
    process.stdout.readline()
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    _, errors = process.communicate(timeout=60)     # the workers hold the same outputs
    assert process.returncode == -number
    assert errors.count('Traceback') == (number == signal.SIGINT), errors


def test_there_must_be_a_worker():
    with pytest.raises(ValueError, match='workers is 0: expected at least 1'):
        evaluate([], SPACE, Loader(), workers=0)


def test_nothing_is_nothing():
    assert np.isnan(evaluate([], SPACE, Loader()).panoptic_quality.compute().all.pq)
