"""The train command renders, trains, stops and goes on."""

import json
from dataclasses import replace

import hypothesis
import pytest
from boxes import Boxes
from dataset_trees import cityscapes_tree
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from panoptic_ros.cli import train as command  # noqa: E402
from panoptic_ros.cli.train_arguments import PRESETS, train_parser  # noqa: E402
from panoptic_ros.cli.train_data import streets  # noqa: E402
from panoptic_ros.cli.train_settings import chosen  # noqa: E402
from panoptic_ros.network import machine  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402

pytestmark = pytest.mark.torch

ALONE = ['--loaders', '0', '--device', 'cpu', '--threads', '1', '--measure-minutes', '0']
SMALL = ['--frames', '4', '--size', '64x128', '--crop', '32x64', '--batch', '4', '--workers', '1',
         *ALONE]


def train(folder, *arguments):
    command.main([str(folder / 'run'), '--data', str(folder / 'frames'), *SMALL, *arguments])
    return Checkpoint.load(folder / 'run' / 'checkpoint.pt')


def test_a_training_is_saved_logged_and_resumed(tmp_path, capsys):
    checkpoint = train(tmp_path, '--steps', '20', '--consistency', '3', '--hardest', '0.6')
    assert checkpoint.training['step'] == 20
    assert checkpoint.config.name == 'mobile'
    printed = capsys.readouterr().out
    assert 'network mobile: 1.98 million parameters, on cpu\n' in printed
    assert '20 steps' in printed
    log = (tmp_path / 'run' / 'log.jsonl').read_text().splitlines()
    last = json.loads(log[-1])
    assert last['step'] == 20
    assert last['consistency'] > 0
    losses = train(tmp_path, '--steps', '22', '--resume').training['options']['losses']
    assert (losses['hardest'], losses['consistency']) == (0.6, 3.0)


def settings(*arguments, kind='cityscapes', frame=(1024, 2048), gpu=True):
    return chosen(train_parser(None).parse_args(['run', *arguments]), kind, frame, gpu)


def test_cityscapes_is_trained_on_with_the_published_settings(tmp_path):
    frames = [(f'ulm_{index:06d}_000019', *Boxes()[index]) for index in range(4)]
    tree = cityscapes_tree(tmp_path / 'cityscapes', frames, 'train')
    command.main([str(tmp_path / 'run'), '--cityscapes', str(tree), '--crop', '32x64', '--batch',
                  '2', '--steps', '2', '--size', '1024x2048', *ALONE])
    training = Checkpoint.load(tmp_path / 'run' / 'checkpoint.pt').training
    assert training['step'] == 2
    assert 'Cityscapes' in training['data']
    assert training['targets'] == {'sigma': 10.0, 'small_area': 4096.0, 'small_weight': 3.0}
    assert training['samples'] == {
        'crop': (32, 64), 'scale': (0.5, 2.0), 'even_scale': True, 'crops_per_frame': 1,
        'focus': 0.0, 'jitter': 0.0, 'randomised': 0.0, 'stretch': 1.0, 'frame': (1024, 2048),
        'looks': 1}
    options = training['options']
    assert options['schedule'] == {
        'rate': 1e-3, 'steps': 2, 'minutes': 0.0, 'warmup': 1 / 90, 'power': 0.9}
    assert options['losses'] == {'hardest': 0.2, 'easing': 0.0, 'center': 200.0, 'offset': 0.01,
                                 'consistency': 0.0}
    assert options['weight_decay'] == options['clip'] == 0


def test_frames_of_other_drives_are_trained_on():
    args = train_parser(None).parse_args(['run', '--frames', '4', '--first-drive', '13',
                                          '--variety', 'varied', 'plain'])
    assert streets(args, (512, 1024)).frames.description == (
        'streets: 4 varied and plain frames of 512x1024 from drives 13 to 13')


def test_what_is_given_replaces_what_the_data_suggest():
    published = settings().recipe
    assert (published.steps, published.batch, published.crop) == (90_000, 32, (512, 1024))
    rendered = settings(kind='streets', frame=None).recipe
    assert rendered.crop == (256, 512)
    assert settings('--crop', '64x64', '--rate', '0.5', kind='streets', frame=None).recipe == \
        replace(rendered, crop=(64, 64), rate=0.5)
    assert settings('--network', 'r50-bowenc').recipe.crop == (513, 1025)


def test_a_processor_takes_smaller_steps_and_says_so(monkeypatch):
    monkeypatch.setattr(machine, 'cores', lambda: 2)
    found, words = settings(gpu=False)
    assert (found.batch, found.crop, found.size) == (8, (256, 512), (512, 1024))
    assert 'batch 8 in place of 32, ' in words
    assert 'crop 256x512 in place of 512x1024' in words
    assert settings('--batch', '32', gpu=False).recipe.batch == 32
    assert settings(kind='streets', frame=None, gpu=False) == \
        settings(kind='streets', frame=None, gpu=True)
    monkeypatch.setattr(machine, 'cores', lambda: 16)
    assert settings(gpu=False).recipe.batch == 16
    monkeypatch.setattr(machine, 'cores', lambda: 11)
    assert settings(gpu=False).recipe.batch == 11
    assert settings('--consistency', '1', gpu=False).recipe.batch == 10
    # A network that averages over windows takes only multiples of them.
    assert settings('--network', 'r52-detectron2', gpu=False).recipe.crop == (512, 1024)


@pytest.mark.parametrize('name', sorted(PRESETS))
@given(st.integers(16, 3000), st.integers(16, 3000), st.booleans())
@hypothesis.settings(max_examples=examples(40))
def test_frames_of_any_shape_have_crops_and_inputs_that_the_network_takes(name, height, width,
                                                                         gpu):
    found = settings('--network', name, kind='own', frame=(height, width), gpu=gpu).recipe
    config = PRESETS[name]
    config.check_size(found.crop)
    config.check_size(machine.accepted(found.size, config, found.crop), padded=True)
    assert found.batch % found.crops_per_frame == 0
    if not gpu and config.name == 'mobile':
        assert found.crop[0] * found.crop[1] <= 1.5 * 256 * 512


def test_an_old_training_is_never_overwritten(tmp_path, capsys):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'checkpoint.pt').write_bytes(b'precious')
    with pytest.raises(SystemExit):
        train(tmp_path, '--steps', '1')
    assert 'go on with --resume' in capsys.readouterr().err
    assert (tmp_path / 'run' / 'checkpoint.pt').read_bytes() == b'precious'


def test_the_network_of_a_training_that_goes_on_is_that_of_its_checkpoint(tmp_path, capsys):
    steps = ('--steps', '1', '--network', 'fpn-mobile', '--crop', '64x96')
    assert train(tmp_path, *steps).config.name == 'fpn-mobile'
    with pytest.raises(SystemExit):
        train(tmp_path, '--resume', '--network', 'mobile')
    assert '--network is mobile, and the checkpoint in ' in capsys.readouterr().err
    again = train(tmp_path, '--resume', *steps[4:], '--steps', '2')
    assert (again.config.name, again.training['step']) == ('fpn-mobile', 2)


def test_processes_that_end_before_the_training_begins_are_told(tmp_path, capsys, monkeypatch):
    def fail(*_):
        raise RuntimeError(message)
    monkeypatch.setattr(command, '_train', fail)
    message = '[gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:99'
    with pytest.raises(SystemExit):
        train(tmp_path)
    assert capsys.readouterr().err == ('train: another process of this training ended: its own '
                                       f'lines say why ({message})\n')
    message = 'a fault of our own'
    with pytest.raises(RuntimeError, match=message):
        train(tmp_path)


def test_imported_weights_are_not_resumed(tmp_path, capsys):
    config = PRESETS['mobile']
    (tmp_path / 'run').mkdir()
    Checkpoint(config, Boxes().label_space, {}, {'source': 'elsewhere'}, {}).save(
        tmp_path / 'run/checkpoint.pt')
    with pytest.raises(SystemExit):
        train(tmp_path, '--resume')
    assert 'the checkpoint holds weights only: start from its weights' in capsys.readouterr().err


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--threads', '-1'], "--threads: '-1': expected a whole number from 0 on"),
    (['--loaders', 'two'], "--loaders: 'two': expected a whole number from 0 on"),
    (['--workers', '0'], "--workers: '0': expected a whole number from 1 on"),
    (['--resume'], 'no checkpoint'), (['--crop', '33x64'], 'multiples of 32'),
    (['--batch', '5'], 'multiple of the 2 images'),
    (['--batch', '6', '--consistency', '1'], 'multiple of the 4 images'),
    (['--network', 'masks-mobile', '--hardest', '0.5'], '--hardest is for networks of Panoptic-'),
    (['--size', 'large'], 'expected HEIGHTxWIDTH'),
    (['--first-drive', '999_999_999'], 'are held out for measuring'),
    (['--steps', '5', '--minutes', '1'], 'not allowed with'), (['--frames', '0'], 'count is 0')])
def test_what_is_wrong_is_said_before_anything_is_rendered(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as exited:
        train(tmp_path, *arguments)
    assert exited.value.code
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'frames').exists()
