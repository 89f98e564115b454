"""The train command renders, trains, stops and goes on."""

import json

import pytest

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from panoptic_ros.cli import train as command  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402

SMALL = ['--frames', '4', '--size', '64x128', '--crop', '32x64', '--batch', '4', '--workers', '1',
         '--loaders', '0', '--device', 'cpu', '--threads', '1']


def train(folder, *arguments):
    command.main([str(folder / 'run'), '--data', str(folder / 'frames'), *SMALL, *arguments])
    return Checkpoint.load(folder / 'run' / 'checkpoint.pt')


def test_a_training_is_saved_logged_and_resumed(tmp_path, capsys):
    checkpoint = train(tmp_path, '--steps', '20')
    assert checkpoint.training['step'] == 20
    assert checkpoint.config.name == 'mobile'
    assert '20 steps' in capsys.readouterr().out
    log = (tmp_path / 'run' / 'log.jsonl').read_text().splitlines()
    assert json.loads(log[-1])['step'] == 20
    assert train(tmp_path, '--steps', '22', '--resume').training['step'] == 22


def test_an_old_training_is_never_overwritten(tmp_path, capsys):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'checkpoint.pt').write_bytes(b'precious')
    with pytest.raises(SystemExit):
        train(tmp_path, '--steps', '1')
    assert 'go on with --resume' in capsys.readouterr().err
    assert (tmp_path / 'run' / 'checkpoint.pt').read_bytes() == b'precious'


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--resume'], 'no checkpoint'), (['--crop', '33x64'], 'multiples of 32'),
    (['--batch', '5'], 'multiple of the 2 crops'), (['--size', 'large'], 'expected HEIGHTxWIDTH'),
    (['--steps', '5', '--minutes', '1'], 'not allowed with'), (['--frames', '0'], 'count is 0')])
def test_what_is_wrong_is_said_before_anything_is_rendered(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as exited:
        train(tmp_path, *arguments)
    assert exited.value.code
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'frames').exists()
