"""Mask classification networks learn, and go on after an interruption."""

import json
import sys
from pathlib import Path

import pytest
from tiny_training import run

torch = pytest.importorskip('torch', reason='training needs PyTorch')
pytest.importorskip('scipy', reason='matching needs scipy')

from tiny_masks import TINY, make  # noqa: E402

from panoptic_ros.cli import train as command  # noqa: E402
from panoptic_ros.cli.train_arguments import PRESETS, train_parser  # noqa: E402
from panoptic_ros.cli.train_settings import chosen  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint, CheckpointError, backbone_of  # noqa: E402

pytestmark = pytest.mark.torch

SMALL = ['--network', 'masks-mobile', '--frames', '2', '--size', '64x128', '--crop', '64x96',
         '--batch', '2', '--workers', '1', '--loaders', '0', '--device', 'cpu', '--threads', '1']


@pytest.fixture
def fit_report():
    sys.path.insert(0, str(Path(__file__).parents[2] / 'tools'))
    import fit_report
    sys.path.pop(0)
    return fit_report


def test_the_losses_of_two_frames_fall(boxes):
    losses = run(make(type(boxes)(count=2), steps=25))
    assert set(losses[0]) == {'total', 'classes', 'mask', 'dice', 'center'}
    for name in ('classes', 'mask', 'center'):
        assert max(step[name] for step in losses[-3:]) < losses[0][name], name
    assert losses[-1]['total'] < 0.85 * losses[0]['total']


def test_a_resumed_training_continues_identically(boxes, tmp_path):
    whole, first, second = make(boxes), make(boxes), make(boxes)
    expected = run(whole)
    begun = run(first, 3)
    first.checkpoint().save(tmp_path / 'checkpoint.pt')
    second.resume(Checkpoint.load(tmp_path / 'checkpoint.pt'))
    assert begun + run(second) == expected
    for name, value in whole.checkpoint().weights.items():
        assert torch.equal(second.checkpoint().weights[name], value), name


def test_a_backbone_learns_at_its_own_rate_or_not_at_all(boxes):
    def moved(rate):
        trainer = make(boxes, steps=3, backbone_rate=rate)
        before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
        run(trainer, 1)     # while all moments are 0, AdamW moves by the rate alone
        return {name: (value - before[name]).abs().max().item()
                for name, value in trainer.network.state_dict().items()
                if value.is_floating_point()}
    name, other = 'backbone.stem.0.0.weight', 'pixel_decoder.narrow.0.weight'
    like_the_rest, slow, frozen = moved(1.0), moved(0.1), moved(0.0)
    assert slow[name] == pytest.approx(0.1 * like_the_rest[name], rel=0.05)
    assert slow[other] == pytest.approx(like_the_rest[other], rel=0.05)
    assert {key for key, value in frozen.items() if not value} >= {
        key for key in frozen if key.startswith('backbone.')}
    assert frozen[other] > 0


def test_a_frozen_backbone_can_be_trained_after_a_pause(boxes):
    first = make(boxes, backbone_rate=0.0)
    run(first, 2)
    second = make(boxes, backbone_rate=0.1)
    second.resume(first.checkpoint())
    before = second.network.backbone.stem[0][0].weight.detach().clone()
    assert len(run(second)) == 4
    assert not torch.equal(second.network.backbone.stem[0][0].weight, before)


def train(folder, *arguments):
    command.main([str(folder / 'run'), '--data', str(folder / 'frames'), *SMALL, *arguments])
    return Checkpoint.load(folder / 'run' / 'checkpoint.pt')


def test_the_command_starts_from_another_networks_backbone_and_resumes(fit_report, tmp_path,
                                                                      capsys):
    whole = train(tmp_path, '--steps', '1', '--backbone', 'models/streets.onnx')
    assert whole.config.name == 'masks-mobile'
    assert 'network masks-mobile: 2.60 million parameters' in capsys.readouterr().out
    onnx = pytest.importorskip('onnx')
    learned = next(onnx.numpy_helper.to_array(tensor)
                   for tensor in onnx.load('models/streets.onnx').graph.initializer
                   if tensor.name == 'backbone.stem.0.0.weight')
    assert abs(whole.weights['backbone.stem.0.0.weight'].numpy() - learned).max() < 1e-3
    resumed = train(tmp_path, '--steps', '2', '--resume')
    assert resumed.training['step'] == 2
    assert resumed.training['options']['losses']['points'] == 1024
    assert resumed.training['options']['backbone_rate'] == 0.1
    assert json.loads(json.dumps(resumed.training)) is not None
    capsys.readouterr()
    fit_report.main([str(tmp_path / 'run'), str(tmp_path / 'frames')])
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith('2 steps in ')
    assert told[2].split()[0] == 'all'
    assert 0 <= float(told[2].split()[1]) < float(told[2].split()[2]) <= 100


def test_cityscapes_is_trained_on_with_the_published_settings():
    arguments = train_parser(None).parse_args(['run', '--network', 'masks-mobile'])
    found = chosen(arguments, 'cityscapes', (1024, 2048), gpu=True).recipe
    assert (found.steps, found.batch, found.crop, found.rate) == (90_000, 16, (512, 1024), 1e-4)
    assert (found.points, found.clip, found.backbone_rate) == (12544, 0.01, 0.1)


def test_without_scipy_nothing_is_rendered(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'scipy.optimize', None)
    with pytest.raises(SystemExit):
        train(tmp_path, '--steps', '1')
    assert 'a network of the family masks needs SciPy' in capsys.readouterr().err
    assert not (tmp_path / 'frames').exists()


def test_other_backbones_are_refused(boxes, tmp_path, capsys):
    other = make(boxes, steps=1).checkpoint()
    with pytest.raises(CheckpointError, match="network 'masks-mobile' needs"):
        backbone_of(other, PRESETS['masks-mobile'])
    assert backbone_of(other, TINY)
    other.save(tmp_path / 'tiny.pt')
    (tmp_path / 'R-52.pkl').write_bytes(b'weights')
    for name, message in (('tiny.pt', "of network 'tiny'"), ('R-52.pkl', 'no checkpoint or mod')):
        with pytest.raises(SystemExit):
            train(tmp_path, '--steps', '1', '--backbone', str(tmp_path / name))
        assert message in capsys.readouterr().err


def test_weights_of_other_networks_are_refused_before_anything_is_rendered(boxes, tmp_path,
                                                                           capsys):
    make(boxes, steps=1).checkpoint().save(tmp_path / 'tiny.pt')
    for path, message in (
            (tmp_path / 'tiny.pt', "is of network 'tiny' for 19 classes, this training of "
                                   "'masks-mobile' for 19: "),
            (Path('models/streets.onnx'), "an export of network 'mobile', this training is of "
                                          "'masks-mobile': choose --network mobile")):
        with pytest.raises(SystemExit):
            train(tmp_path, '--steps', '1', '--weights', str(path))
        said = capsys.readouterr().err
        assert message in said
        assert said.count('\n') == 1
        assert not (tmp_path / 'frames').exists()
