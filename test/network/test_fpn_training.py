"""Panoptic-FPNs learn, and what they learnt is exported."""

from dataclasses import replace

import pytest
from tiny_training import run

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from tiny_fpn import TINY, frames, make  # noqa: E402

from panoptic_ros import LabelSpace  # noqa: E402
from panoptic_ros.cli import evaluate, export  # noqa: E402
from panoptic_ros.cli import train as command  # noqa: E402
from panoptic_ros.cli.train_arguments import train_parser  # noqa: E402
from panoptic_ros.cli.train_settings import chosen  # noqa: E402
from panoptic_ros.network import families  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402
from panoptic_ros.network.families.fpn.losses import LossOptions  # noqa: E402

pytestmark = pytest.mark.torch

SMALL = ['--network', 'fpn-mobile', '--frames', '2', '--size', '64x128', '--crop', '64x96',
         '--batch', '2', '--workers', '1', '--loaders', '0', '--device', 'cpu', '--threads', '1']


def test_the_losses_of_two_frames_fall():
    """Not that of the boxes: at first the only proposals with things are the things themselves."""
    torch.manual_seed(0)
    images, batch = frames()
    network, options = families.find('fpn').network(TINY, 19).train(), LossOptions(128, 64)
    optimizer, steps = torch.optim.AdamW(network.parameters(), 1e-2), []
    for _ in range(30):
        losses = options.losses(TINY, network(images), batch, 0.0, lambda values: values)
        optimizer.zero_grad()
        losses['total'].backward()
        optimizer.step()
        steps.append({name: value.item() for name, value in losses.items()})
    for name in ('objectness', 'anchors', 'classes', 'masks', 'semantic'):
        assert max(step[name] for step in steps[-3:]) < 0.9 * steps[0][name], name
    assert steps[-1]['boxes'] > 0


def test_a_training_is_repeated_by_its_seed_and_goes_on_identically(boxes, tmp_path):
    whole, first, second = make(boxes, 4), make(boxes, 4), make(boxes, 4)
    expected = run(whole)
    begun = run(first, 2)
    first.checkpoint().save(tmp_path / 'checkpoint.pt')
    second.resume(Checkpoint.load(tmp_path / 'checkpoint.pt'))
    assert begun + run(second) == expected


def test_the_things_are_those_of_the_label_space(boxes):
    trainer = make(boxes, config=replace(TINY, things=80))
    assert trainer.config == TINY
    assert trainer.checkpoint().config.things == 8
    stuff = LabelSpace('stuff', 100, tuple(category for category in boxes.label_space.categories
                                           if not category.is_thing))
    bare = type(boxes)()
    bare.label_space = stuff
    with pytest.raises(ValueError, match=r"label space 'stuff' has 0 things among its 11 classes"):
        make(bare)


def test_coco_is_trained_on_with_the_published_settings():
    arguments = train_parser(None).parse_args(['run', '--network', 'fpn-r50'])
    found = chosen(arguments, 'coco', None, gpu=True).recipe
    assert (found.steps, found.batch, found.anchors, found.proposals) == (90_000, 16, 256, 512)


@pytest.mark.slow
def test_the_whole_way_from_the_command_to_the_labels(tmp_path, capsys):
    path = tmp_path / 'run/checkpoint.pt'
    command.main([str(path.parent), '--data', str(tmp_path / 'frames'), *SMALL, '--steps', '1',
                  '--measure-minutes', '0'])
    assert 'network fpn-mobile: ' in capsys.readouterr().out
    checkpoint = Checkpoint.load(path)
    assert checkpoint.training['options']['losses'] == {
        'anchors': 256, 'proposals': 128, 'semantic': 0.5}
    export.main([str(path), '-o', str(tmp_path / 'a.onnx'), '--size', '64x128'])
    evaluate.main(['--streets', '1', '--size', '64x128', '--model', str(tmp_path / 'a.onnx'),
                   '--device', 'cpu', '--workers', '1'])
    assert 'mIoU' in capsys.readouterr().out
