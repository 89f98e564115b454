"""Faults on a Ray cluster of two machines, both of them this one; see support/ray_scenarios.py."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import drives
import numpy as np
import pytest

from panoptic_ros.cli import segment
from panoptic_ros.offline.driver import DEATHS, TRIES

pytestmark = pytest.mark.fleet
ray = pytest.importorskip('ray', reason='needs requirements/fleet.txt')

SCENARIOS = Path(__file__).parents[1] / 'support' / 'ray_scenarios.py'
# A network of its own, where all stays on the loopback, and processes that all end with it.
ALONE = ['unshare', '--map-root-user', '--net', '--pid', '--fork', '--kill-child', '--mount-proc',
         'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('cluster')


@pytest.fixture(scope='module')
def told(folder, tiny_onnx):
    """What came of the scenarios."""
    drives.write(folder / 'real' / 'in')
    drives.damage(drives.write_bag(folder / 'real' / 'in' / 'damaged', frames=30, scale=5))
    rng = np.random.default_rng(0)
    for side in ('predictions', 'truth'):
        (folder / 'evaluated' / side).mkdir(parents=True)
        for number in range(5):
            labels = rng.integers(0, 19, (8, 16)).repeat(4, 0).repeat(4, 1) * 1000
            labels[labels >= 11000] += 1
            cv2.imwrite(str(folder / 'evaluated' / side / f'{number}.png'),
                        labels.astype(np.uint16))
    alone = shutil.which('unshare') and subprocess.run(
        [*ALONE, 'true'], capture_output=True, check=False).returncode == 0
    done = subprocess.run([*(ALONE if alone else []), sys.executable, SCENARIOS, folder,
                           tiny_onnx], capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_worker_is_kept_from_job_to_job(told):
    assert set(told['ends']['plain']) <= set(told['ends']['done'])
    assert told['ends']['workers'] <= 8     # for 30 jobs: two, one for each that ended, and spares


def test_a_worker_that_is_killed_costs_its_own_recording_at_most(told, folder):
    ends = told['ends']
    assert set(ends['done']) - {*ends['plain']} == {'a', 'b', 'c', 'once', 'odd', 'disk'}
    assert set(ends['failed']) == {'bad', 'full'}
    assert ends['failed']['full'] == f'the disk is full (tried {TRIES} times)'
    assert set(ends['aside']) == {'kill'}
    assert ends['aside']['kill'].endswith(f'workers that ended while they were at it: {DEATHS}')
    once = dict.fromkeys([*ends['plain'], 'a', 'b', 'c', 'bad'], 1)
    assert ends['tries'] == once | {'once': 2, 'odd': 2, 'disk': 2, 'kill': DEATHS, 'full': TRIES}
    state = json.loads((folder / 'ends' / 'out' / 'kill.state.json').read_text())
    assert (state['state'], state['deaths']) == ('aside', DEATHS)


def test_what_a_full_disk_hindered_is_done_elsewhere(told):
    assert told['ends']['elsewhere']


def test_a_command_that_is_stopped_leaves_the_rest(told):
    assert told['stopped'] == {'stopped': 4, 'done': 0}


def test_a_driver_that_is_killed_is_started_again(told):
    assert set(told['driver']['done']) | {'a', 'b'} == {'wait0', 'wait1', 'a', 'b'}
    assert told['driver']['failed'] == told['driver']['aside'] == {}


def test_a_machine_that_goes_away_costs_time_alone(told, folder):
    machine = told['machine']
    assert set(machine['done']) == {'wait0', 'wait1', 'a', 'b'}, machine
    assert machine['gone'] == 1
    assert sorted(machine['tries'].values())[-1] == 2
    for name in ('wait0', 'wait1'):
        state = json.loads((folder / 'machine' / 'out' / f'{name}.state.json').read_text())
        assert (state['state'], state['deaths']) == ('done', 0)     # it is not held against it


def test_the_outputs_are_those_of_one_run(told, folder, tiny_onnx, tmp_path):
    assert told['real']['status'] == 1, told['real']
    assert 'in/damaged failed: ' in told['real']['said']
    assert '1 failed: the same command tries only them again' in told['real']['said']
    for name in drives.NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        segment.main([str(folder / 'real' / 'in' / name), '-o', str(tmp_path / name), '--model',
                      str(tiny_onnx)])
    found = drives.contents(folder / 'real' / 'out')
    assert {name: data for name, data in found.items() if not name.startswith('damaged')} == (
        drives.contents(tmp_path))


def test_ray_reports_to_nobody(told):
    assert told['reports'] is False


def test_an_evaluation_adds_up_to_the_same_figures(told):
    assert told['evaluated'] == {'equal': True, 'frames': 5}
