"""Training learns, and goes on after an interruption as if there had been none."""

from dataclasses import replace
from datetime import date
from itertools import islice

import pytest

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from panoptic_ros.network.checkpoint import Checkpoint, CheckpointError  # noqa: E402
from panoptic_ros.network.config import BranchConfig, NetworkConfig, StageConfig  # noqa: E402
from panoptic_ros.network.losses import LossOptions  # noqa: E402
from panoptic_ros.network.samples import SampleOptions, Samples  # noqa: E402
from panoptic_ros.network.schedule import Schedule  # noqa: E402
from panoptic_ros.network.targets import TargetOptions  # noqa: E402
from panoptic_ros.network.trainer import Trainer, TrainOptions  # noqa: E402

BRANCH = BranchConfig(aspp=8, low_level=(8,), decoder=(8,), head=8)
TINY = NetworkConfig(
    'tiny', stem=(8,), stages=(StageConfig('fused', 8, 1), StageConfig('inverted', 16, 1)),
    semantic=BRANCH, instance=BRANCH, rates=(1, 2, 3))


def make(boxes, steps=6, workers=0, seed=3, config=TINY):
    samples = Samples(boxes, boxes.label_space, SampleOptions(crop=(32, 64), scale=(1.0, 1.0)),
                      TargetOptions(sigma=3, small_area=100), seed)
    options = TrainOptions(Schedule(1e-2, steps=steps), batch=4, workers=workers,
                           losses=LossOptions(hardest=1.0))
    return Trainer(config, boxes.label_space, samples, options, seed)


def run(trainer, count=None):
    return [step.losses for step in islice(trainer.steps(), count)]


def test_the_loss_of_two_frames_falls(boxes):
    trainer = make(type(boxes)(count=2), steps=30)
    losses = [losses['semantic'] for losses in run(trainer)]
    assert trainer.progress == 1
    assert len(losses) == 30
    assert max(losses[-3:]) < 0.7 * losses[0]


def test_the_same_seed_gives_the_same_training(boxes):
    assert run(make(boxes)) == run(make(boxes))
    assert run(make(boxes)) != run(make(boxes, seed=4))


def test_a_resumed_training_continues_identically(boxes, tmp_path):
    whole = make(boxes)
    expected = run(whole)
    first = make(boxes)
    begun = run(first, 3)
    first.checkpoint().save(tmp_path / 'checkpoint.pt')
    second = make(boxes)
    run(second, 1)                      # what it did before must not matter
    second.resume(Checkpoint.load(tmp_path / 'checkpoint.pt'))
    assert begun + run(second) == expected
    ours, theirs = second.checkpoint(), whole.checkpoint()
    for name, value in theirs.weights.items():
        assert torch.equal(ours.weights[name], value), name
    for name, value in theirs.state['network'].items():
        assert torch.equal(ours.state['network'][name], value), name


def test_the_average_lies_between_start_and_end(boxes):
    trainer = make(boxes)
    before = trainer.network.semantic[-1].weight.detach().clone()
    run(trainer)
    after = trainer.network.semantic[-1].weight
    average = trainer.average.network.semantic[-1].weight
    assert 0 < (average - before).norm() < 2 * (after - before).norm()
    assert not torch.equal(average, after)


def test_a_checkpoint_holds_the_averaged_network(boxes, tmp_path):
    trainer = make(boxes)
    run(trainer)
    trainer.checkpoint().save(tmp_path / 'c.pt')
    network = Checkpoint.load(tmp_path / 'c.pt').network()
    image = torch.randint(0, 256, (1, 32, 32, 3), dtype=torch.uint8)
    with torch.inference_mode():
        for ours, theirs in zip(network(image), trainer.average.network(image), strict=True):
            torch.testing.assert_close(ours, theirs)


def test_a_checkpoint_names_data_date_and_recipe(boxes):
    training = make(boxes).checkpoint().training
    assert training['data'] == '16 frames of boxes'
    assert date.fromisoformat(training['date'])
    assert training['seed'] == 3
    assert training['options']['schedule']['steps'] == 6


def test_a_finished_training_stays_finished(boxes):
    trainer = make(boxes)
    run(trainer)
    assert run(trainer) == []
    assert trainer.step == 6


def test_weights_can_start_another_training(boxes):
    trainer = make(boxes)
    run(trainer)
    other = make(boxes, seed=9)
    other.start_from(trainer.checkpoint())
    assert other.step == 0
    assert torch.equal(other.network.semantic[-1].weight,
                       trainer.average.network.semantic[-1].weight)


def test_resuming_another_network_is_refused(boxes):
    checkpoint = make(boxes).checkpoint()
    other = make(boxes, config=replace(TINY, stem=(16,)))
    with pytest.raises(CheckpointError, match='start from its weights'):
        other.resume(checkpoint)
    with pytest.raises(CheckpointError, match='weights only'):
        make(boxes).resume(replace(checkpoint, state={}))


def test_files_that_are_no_checkpoints_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match='no checkpoint'):
        Checkpoint.load(tmp_path / 'none.pt')
    (tmp_path / 'text.pt').write_text('not a checkpoint')
    with pytest.raises(CheckpointError, match='is not a checkpoint'):
        Checkpoint.load(tmp_path / 'text.pt')
    torch.save({'model': {}}, tmp_path / 'other.pt')
    with pytest.raises(CheckpointError, match='lacks config'):
        Checkpoint.load(tmp_path / 'other.pt')


def test_a_batch_must_hold_whole_frames(boxes):
    samples = Samples(boxes, boxes.label_space, SampleOptions(crop=(32, 64)), TargetOptions())
    with pytest.raises(ValueError, match='batch is 3'):
        Trainer(TINY, boxes.label_space, samples, TrainOptions(Schedule(steps=1), batch=3))
