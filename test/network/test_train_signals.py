"""A training whose whole group of processes is told to end is saved, whatever they are doing."""

import os
import signal
import subprocess
from contextlib import suppress

import pytest

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from boxes import Boxes  # noqa: E402
from dataset_trees import cityscapes_tree  # noqa: E402
from trainings import started  # noqa: E402

from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    frames = [(f'ulm_{index:06d}_000019', *Boxes()[index]) for index in range(4)]
    return cityscapes_tree(tmp_path_factory.mktemp('cityscapes'), frames, 'train')


def training(folder, *arguments):
    """Start the command."""
    return started('-m', 'panoptic_ros.cli.train', folder, *arguments)


def on(tree, loaders):
    return ('--cityscapes', tree, '--crop', '32x64', '--batch', '2', '--steps', '5000',
            '--loaders', loaders, '--device', 'cpu', '--threads', '1')


def wait_for(process, words):
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f'ended without saying {words!r}')


@pytest.mark.slow
def test_a_signal_to_all_processes_saves_the_training_also_while_they_start(tree, tmp_path):
    """As ``timeout`` sends it; the processes that make samples are only starting."""
    with training(tmp_path / 'run', *on(tree, 1)) as process:
        wait_for(process, 'network mobile')
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5)
        output, _ = process.communicate(timeout=120)
    assert 'Traceback' not in output
    assert process.returncode == 0
    assert 'saved' in output
    assert 1 <= Checkpoint.load(tmp_path / 'run' / 'checkpoint.pt').training['step'] < 5000


@pytest.mark.slow
def test_the_end_of_the_terminal_saves_the_training(tree, tmp_path):
    with training(tmp_path / 'run', *on(tree, 1)) as process:
        wait_for(process, 'network mobile')
        process.stdout.close()
        os.killpg(process.pid, signal.SIGHUP)
        process.wait(120)
        process.stdout = None
    assert 1 <= Checkpoint.load(tmp_path / 'run' / 'checkpoint.pt').training['step'] < 5000


@pytest.mark.slow
def test_a_signal_while_frames_are_rendered_ends_with_one_line(tmp_path):
    with training(tmp_path / 'run', '--frames', '400', '--data', tmp_path / 'frames', '--size',
                  '256x512', '--workers', '2', '--device', 'cpu') as process:
        frames = tmp_path / 'frames'
        while not list(frames.glob('*/*.npy')):
            assert process.poll() is None
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        os.killpg(process.pid, signal.SIGTERM)
        output, _ = process.communicate(timeout=120)
    assert 'Traceback' not in output
    assert process.returncode in (1, 130)
    assert 'what is rendered is kept' in output
