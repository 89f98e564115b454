"""The train command renders, trains, stops and goes on."""

import json
from dataclasses import replace

import pytest
from boxes import Boxes
from dataset_trees import cityscapes_tree

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from panoptic_ros.cli import train as command  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402

pytestmark = pytest.mark.torch

SMALL = ['--frames', '4', '--size', '64x128', '--crop', '32x64', '--batch', '4', '--workers', '1',
         '--loaders', '0', '--device', 'cpu', '--threads', '1']


def train(folder, *arguments):
    command.main([str(folder / 'run'), '--data', str(folder / 'frames'), *SMALL, *arguments])
    return Checkpoint.load(folder / 'run' / 'checkpoint.pt')


def test_a_training_is_saved_logged_and_resumed(tmp_path, capsys):
    checkpoint = train(tmp_path, '--steps', '20')
    assert checkpoint.training['step'] == 20
    assert checkpoint.config.name == 'mobile'
    printed = capsys.readouterr().out
    assert 'network mobile: 1.98 million parameters, on cpu\n' in printed
    assert '20 steps' in printed
    log = (tmp_path / 'run' / 'log.jsonl').read_text().splitlines()
    assert json.loads(log[-1])['step'] == 20
    assert train(tmp_path, '--steps', '22', '--resume').training['step'] == 22


def test_cityscapes_is_trained_on_with_the_published_settings(tmp_path):
    frames = [(f'ulm_{index:06d}_000019', *Boxes()[index]) for index in range(4)]
    tree = cityscapes_tree(tmp_path / 'cityscapes', frames, 'train')
    command.main([str(tmp_path / 'run'), '--cityscapes', str(tree), '--crop', '32x64', '--batch',
                  '2', '--steps', '2', '--loaders', '0', '--device', 'cpu', '--threads', '1'])
    training = Checkpoint.load(tmp_path / 'run' / 'checkpoint.pt').training
    assert training['step'] == 2
    assert 'Cityscapes' in training['data']
    assert training['targets'] == {'sigma': 10.0, 'small_area': 4096.0, 'small_weight': 3.0}
    assert training['samples'] == {
        'crop': (32, 64), 'scale': (0.5, 2.0), 'even_scale': True, 'crops_per_frame': 1,
        'focus': 0.0, 'jitter': 0.0}
    options = training['options']
    assert options['schedule'] == {
        'rate': 1e-3, 'steps': 2, 'minutes': 0.0, 'warmup': 1 / 90, 'power': 0.9}
    assert options['losses'] == {'hardest': 0.2, 'easing': 0.0, 'center': 200.0, 'offset': 0.01}
    assert options['weight_decay'] == options['clip'] == 0


def test_frames_of_other_drives_are_trained_on():
    args = command._parser().parse_args(['run', '--frames', '4', '--first-drive', '13'])
    assert command._frames(args, command._recipe(args)).description == (
        'streets: 4 frames of 512x1024 from drives 13 to 13')


def test_what_is_given_replaces_what_the_data_suggest():
    def recipe(*arguments):
        return command._recipe(command._parser().parse_args(['run', *arguments]))
    published = recipe('--cityscapes', 'there')
    assert (published.steps, published.batch, published.crop) == (90_000, 32, (512, 1024))
    assert recipe().crop == (256, 512)
    assert recipe('--crop', '64x64', '--rate', '0.5') == replace(
        recipe(), crop=(64, 64), rate=0.5)
    assert recipe('--cityscapes', 'there', '--network', 'r50-bowenc').crop == (513, 1025)


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
    (['--first-drive', '999_999_999'], 'are held out for measuring'),
    (['--steps', '5', '--minutes', '1'], 'not allowed with'), (['--frames', '0'], 'count is 0')])
def test_what_is_wrong_is_said_before_anything_is_rendered(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as exited:
        train(tmp_path, *arguments)
    assert exited.value.code
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'frames').exists()
