"""Processes that torchrun starts train one network as one process would."""

import os
import signal
import socket
import time

import pytest

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from boxes import Boxes  # noqa: E402
from dataset_trees import cityscapes_tree  # noqa: E402
from tiny_training import make, run  # noqa: E402
from training_process import STEPS, trainer_of  # noqa: E402
from trainings import ROOT, started  # noqa: E402

from panoptic_ros.cli import train as command  # noqa: E402
from panoptic_ros.network.batches import batches  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402
from panoptic_ros.network.distributed import Processes, own_device  # noqa: E402

pytestmark = pytest.mark.torch

SCRIPT = ROOT / 'test/support/training_process.py'
LOGGED = ROOT / 'test/support/train_logged.py'


def processes(*words, **environment):
    """Start some that take turns on a core rather than wait for one another's threads."""
    return started(*words, OMP_NUM_THREADS='1', **environment)


def torchrun(*arguments):
    return processes('-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2',
                     *arguments)


@pytest.fixture(scope='module')
def together(tmp_path_factory):
    """The folder in which two processes, started as torchrun does, left what they did."""
    folder = tmp_path_factory.mktemp('together')
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    group = {'WORLD_SIZE': '2', 'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': str(port)}
    with processes(SCRIPT, folder, RANK='0', **group) as first, \
            processes(SCRIPT, folder, RANK='1', **group) as second:
        for process in (first, second):
            output, _ = process.communicate(timeout=180)
            assert process.returncode == 0, output
    return folder


def assert_close(ours, theirs):
    """Adam turns rounding into steps where gradients vanish: losses part slowly."""
    assert len(ours) == len(theirs)
    for own, other in zip(ours, theirs, strict=True):
        assert own == pytest.approx(other, rel=1e-3)


def test_two_processes_have_the_losses_of_one(together):
    losses = torch.load(together / 'losses_0.pt')
    expected = run(trainer_of(Boxes()))
    assert len(losses) == STEPS
    assert losses[0] == pytest.approx(expected[0], rel=1e-6, abs=1e-8)
    assert losses[1] == pytest.approx(expected[1], rel=1e-5, abs=1e-8)      # after a gradient
    assert losses[0]['consistency'] > 1e-6
    assert_close(losses, expected)
    assert torch.load(together / 'losses_1.pt') == losses


def test_two_processes_see_the_batch_statistics_of_one(together):
    alone = trainer_of(Boxes())
    run(alone, 2)
    theirs = Checkpoint.load(together / 'half.pt').state['network']
    statistics = [name for name in theirs if 'running' in name]
    assert statistics
    for name in statistics:
        torch.testing.assert_close(alone.network.state_dict()[name], theirs[name],
                                   rtol=1e-3, atol=1e-4)


def test_one_process_goes_on_where_two_stopped(together):
    alone = trainer_of(Boxes())
    alone.resume(Checkpoint.load(together / 'half.pt'))
    assert alone.step == 2
    assert_close(run(alone), torch.load(together / 'losses_0.pt')[2:])


@pytest.mark.parametrize('step', [0, 5])
def test_processes_take_disjoint_parts_of_the_batch_of_one(boxes, step):
    samples = make(boxes).samples
    expected = next(batches(samples, 8, step, Processes(), 0, False))
    parts = [next(batches(samples, 8, step, Processes(rank, 2), 0, False)) for rank in (0, 1)]
    for name, value in expected.items():
        assert torch.equal(torch.cat([part[name] for part in parts]), value), name


def test_a_batch_that_does_not_divide_is_refused(boxes):
    with pytest.raises(ValueError, match=r'batch is 4: .* number of processes, 3'):
        make(boxes, processes=Processes(0, 3))


def test_each_process_takes_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    assert own_device('auto') == 'cuda'
    monkeypatch.setenv('LOCAL_RANK', '1')
    assert own_device('auto') == own_device('cuda') == 'cuda:1'
    assert own_device('cpu') == 'cpu'
    monkeypatch.setenv('LOCAL_RANK', '2')
    with pytest.raises(ValueError, match=r'no GPU 2 .* finds 2; .*--nproc_per_node 2'):
        own_device('auto')


@pytest.mark.parametrize(('name', 'message'), [
    ('gpu', "'gpu': expected auto, cpu, cuda or cuda:N"), ('cuda', 'no GPU 0 .* finds 0'),
    ('cuda:1', 'no GPU 1 .* another --device')])
def test_a_device_that_is_not_there_is_refused(name, message, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 0)
    with pytest.raises(ValueError, match=message):
        own_device(name)


@pytest.mark.slow
def test_a_process_that_fails_ends_the_others(tmp_path):
    with torchrun(SCRIPT, tmp_path, 1) as process:
        output, _ = process.communicate(timeout=180)
    assert process.returncode
    assert 'is damaged' in output
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_an_interrupted_training_is_saved_and_goes_on(tmp_path):
    frames = [(f'ulm_{index:06d}_000019', *Boxes()[index]) for index in range(4)]
    tree = cityscapes_tree(tmp_path / 'cityscapes', frames, 'train')
    folder = tmp_path / 'run'
    settings = [folder, '--cityscapes', tree, '--crop', '32x64', '--batch', '4', '--loaders', '0',
                '--device', 'cpu', '--threads', '1', '--measure-minutes', '0', '--steps']
    with torchrun(LOGGED, *settings, 5000) as process:
        assert any('2 processes' in line for line in process.stdout)
        deadline = time.monotonic() + 120
        while not (folder / 'log.jsonl').is_file() or not (folder / 'log.jsonl').stat().st_size:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)                 # until both processes train
        os.killpg(process.pid, signal.SIGTERM)      # as `timeout` does
        process.communicate(timeout=120)
    stopped = Checkpoint.load(folder / 'checkpoint.pt').training
    assert 1 <= stopped['step'] < 5000
    assert stopped['processes'] == 2
    steps = stopped['step'] + 2
    command.main([*map(str, settings), str(steps), '--resume'])
    assert Checkpoint.load(folder / 'checkpoint.pt').training['step'] == steps
