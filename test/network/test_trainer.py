"""Training learns, and goes on after an interruption as if there had been none."""

import math
import multiprocessing
import os
import signal
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from tiny_training import TINY, make, run  # noqa: E402

from panoptic_ros.network.backbones.config import StagedConfig  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint, CheckpointError  # noqa: E402
from panoptic_ros.network.run import Intervals  # noqa: E402
from panoptic_ros.network.run import run as train  # noqa: E402

pytestmark = pytest.mark.torch


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
    assert training['data'] == 'boxes: 16 frames'
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


def test_checkpoints_from_before_random_numbers_went_by_the_step_are_resumed(boxes):
    whole, first = make(boxes), make(boxes)
    expected = run(whole)
    run(first, 3)
    checkpoint = first.checkpoint()
    old = replace(checkpoint, state={**checkpoint.state, 'random': torch.get_rng_state()})
    second = make(boxes)
    second.resume(old)
    assert run(second) == expected[3:]


def in_two_groups(trainer):
    """Return the optimiser's state as it was before a backbone had groups at any rate."""
    parameters = list(trainer.network.parameters())
    old = torch.optim.AdamW([{'params': [p for p in parameters if (p.ndim > 1) is decayed]}
                             for decayed in (True, False)])
    old.state.update(trainer.optimizer.state)
    return old.state_dict()


def test_checkpoints_from_before_the_backbone_had_groups_are_resumed(boxes):
    whole, first = make(boxes), make(boxes)
    expected = run(whole)
    run(first, 3)
    checkpoint = first.checkpoint()
    old = replace(checkpoint, state={**checkpoint.state, 'optimizer': in_two_groups(first)})
    assert len(old.state['optimizer']['param_groups']) == 2
    second = make(boxes)
    second.resume(old)
    assert run(second) == expected[3:]


@pytest.mark.parametrize(('before', 'after'), [(0, 1), (1, 0), (0.3, 1), (1, 0.3)])
def test_a_backbone_is_freed_or_frozen_when_a_training_goes_on(before, after, boxes):
    first, second = make(boxes, backbone_rate=before), make(boxes, backbone_rate=after)
    run(first, 2)
    second.resume(first.checkpoint())
    weight = next(second.network.backbone.parameters())
    start = weight.detach().clone()
    run(second, 2)
    assert torch.equal(weight, start) == (after == 0)


def test_a_stopped_training_ends_after_the_present_step(boxes):
    trainer = make(boxes)
    numbers = []
    for step in trainer.steps():
        numbers.append(step.number)
        if step.number == 2:
            trainer.stop()
    assert numbers == [1, 2, 3]


def test_an_interrupt_does_not_end_the_processes_that_make_samples(boxes):
    trainer = make(boxes, workers=1)
    for step in trainer.steps():
        if step.number == 1:
            for process in multiprocessing.active_children():
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    os.kill(process.pid, number)
    assert trainer.step == 6


def test_a_network_of_aligned_corners_trains_on_crops_of_one_more(boxes):
    aligned = replace(TINY, align_corners=True)
    losses = run(make(boxes, config=aligned, crop=(33, 65)), 2)
    assert all(math.isfinite(step['total']) for step in losses)
    with pytest.raises(ValueError, match='the nearest is 33x65'):
        make(boxes, config=aligned, crop=(32, 64))


def test_resuming_another_training_is_refused(boxes):
    checkpoint = make(boxes).checkpoint()
    other = make(boxes, config=replace(TINY, backbone=StagedConfig((16,), TINY.backbone.stages)))
    with pytest.raises(CheckpointError, match='from its weights'):
        other.resume(checkpoint)
    elsewhere = replace(checkpoint, training={'data': 'streets: 16 frames'})
    with pytest.raises(CheckpointError, match=r"on 'streets: 16 frames', this .* 'boxes: 16"):
        make(boxes).resume(elsewhere)
    with pytest.raises(CheckpointError, match='weights only'):
        make(boxes).resume(replace(checkpoint, training={}, state={}))


def test_files_that_are_no_checkpoints_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match='no checkpoint'):
        Checkpoint.load(tmp_path / 'none.pt')
    (tmp_path / 'text.pt').write_text('not a checkpoint')
    with pytest.raises(CheckpointError, match='is not a checkpoint'):
        Checkpoint.load(tmp_path / 'text.pt')
    torch.save({'model': {}}, tmp_path / 'other.pt')
    with pytest.raises(CheckpointError, match='lacks config'):
        Checkpoint.load(tmp_path / 'other.pt')


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(boxes, tmp_path, monkeypatch):
    path, checkpoint = tmp_path / 'c.pt', make(boxes).checkpoint()
    checkpoint.save(path)
    before = path.read_bytes()

    def half(content, file):
        file.write(b'half')
        raise RuntimeError('the archive cannot be written')

    with monkeypatch.context() as patch:
        patch.setattr(torch, 'save', half)
        with pytest.raises(OSError, match=r'c\.pt: .* \(the archive cannot be written\)'):
            checkpoint.save(path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before
    with pytest.raises(OSError, match=r'c\.pt: expected a folder that may be written'):
        checkpoint.save(path / 'c.pt')
    monkeypatch.setattr('panoptic_ros.network.checkpoint.unfinished',
                        lambda _: nullcontext(Path('/dev/full')))
    with pytest.raises(OSError, match=r'cannot write .*/c\.pt: .* \(.*No space left on device\)'):
        checkpoint.save(path)


def break_at(trainer, step, what, times=1):
    """Let the outputs or the gradient of some steps, from ``step`` on, be no numbers."""
    weight = next(trainer.network.backbone.parameters())

    def broken(tensor):
        return tensor * math.nan if step <= trainer.step + 1 < step + times else tensor
    if what == 'gradient':
        weight.register_hook(broken)
    else:
        trainer.network.backbone.stem.register_forward_hook(lambda *given: broken(given[-1]))


def is_finite(state):
    return all(value.isfinite().all() for value in state.values() if value.is_floating_point())


@pytest.mark.parametrize('clip', [0.0, 10.0])
@pytest.mark.parametrize(('what', 'words'), [
    ('losses', 'total nan .* the gradient is nan'),
    ('gradient', r'total \d.* the gradient is nan')])
def test_losses_and_gradients_that_are_no_numbers_leave_the_weights(what, words, clip, boxes,
                                                                    tmp_path):
    trainer, untroubled = make(boxes, clip=clip), make(boxes, clip=clip)
    run(untroubled, 2)
    break_at(trainer, 3, what)
    with pytest.raises(ValueError, match=f'^step 3: the losses are .*{words}: expected finite .* '
                       'lower --rate .* --full-precision.*; .* is saved after step 2$'):
        train(trainer, tmp_path, Intervals(0, 0))
    saved = Checkpoint.load(tmp_path / 'checkpoint.pt')
    expected = untroubled.checkpoint()
    assert all(torch.equal(saved.weights[name], value)
               for name, value in expected.weights.items())
    assert is_finite(saved.state['network'])
    parameters = dict(trainer.network.named_parameters())
    assert all(torch.equal(saved.state['network'][name], expected.state['network'][name])
               for name in parameters)
    again = make(boxes, clip=clip)
    again.resume(saved)
    run(again)
    assert is_finite(again.average.network.state_dict())


@pytest.mark.parametrize('what', ['losses', 'gradient'])
def test_half_precision_skips_a_few_such_steps_and_no_more(what, boxes):
    trainer = make(boxes)
    trainer._scaler = torch.amp.GradScaler('cpu', init_scale=4.0)
    break_at(trainer, 3, what)
    assert len(run(trainer)) == 6
    assert is_finite(trainer.network.state_dict())
    trainer = make(boxes)
    trainer._scaler = torch.amp.GradScaler('cpu', init_scale=4.0)
    break_at(trainer, 2, what, times=9)
    with pytest.raises(ValueError, match=r'^step 4: '):      # at scales of 4, 2 and 1
        run(trainer)
    assert is_finite(trainer.network.state_dict())


def test_a_batch_must_hold_whole_frames(boxes):
    with pytest.raises(ValueError, match='batch is 3'):
        make(boxes, batch=3)
