"""A training on data of one's own: its settings, what it measures and draws, and what it says."""

import json
import multiprocessing

import cv2
import numpy as np
import pytest
import yaml
from boxes import Boxes
from dataset_trees import coco_tree, kitti_360_tree, kitti_step_tree, write
from tiny_training import make

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from panoptic_ros import LabelSpace  # noqa: E402
from panoptic_ros.cli import evaluate, export  # noqa: E402
from panoptic_ros.cli import train as command  # noqa: E402
from panoptic_ros.cli.train_measuring import HeldOut, Training  # noqa: E402
from panoptic_ros.network import progress  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402
from panoptic_ros.network.live_engine import LiveEngine  # noqa: E402
from panoptic_ros.network.run import Intervals, run  # noqa: E402

pytestmark = pytest.mark.torch

SMALL = ['--crop', '32x64', '--size', '64x128', '--batch', '4', '--steps', '2', '--loaders', '0',
         '--device', 'cpu', '--threads', '1']
CLASSES = ('road', 'air', 'person', 'car')
TREES = {'kitti-step': (kitti_step_tree, '0002/{:06d}'), 'coco': (coco_tree, '{:012d}'),
         'kitti-360': (kitti_360_tree, '2013_05_28_drive_0000_sync/{:010d}')}
SPLITS = {'coco': 'train2017'}


def own_frames(root, count=10, size=(64, 128)):
    """Write boxes as pictures, label images and a label space; return the arguments."""
    boxes = Boxes(size)
    things = (False, False, True, True)
    (root / 'own').mkdir(parents=True)
    (root / 'own/my.yaml').write_text(yaml.safe_dump({
        'name': 'mine', 'label_divisor': 50, 'categories': [
            {'name': name, 'dataset_id': number, 'thing': thing, 'color': [number, 90, 200]}
            for number, (name, thing) in enumerate(zip(CLASSES, things, strict=True))]}))
    row_of = {0: 0, 10: 1, 11: 2, 13: 3}
    for index in range(count):
        image, labels = boxes[index]
        class_id, instance = np.divmod(labels, 1000)
        own = np.vectorize(row_of.get)(class_id) * 50 + instance
        write(root / f'own/images/{index}.png', image)
        write(root / f'own/truth/{index}.png', own.astype(np.uint16))
    return ['--images', str(root / 'own/images'), '--truth', str(root / 'own/truth'),
            '--labels', str(root / 'own/my.yaml')]


@pytest.mark.slow
def test_the_whole_way_from_a_folder_and_the_shipped_weights(tmp_path, capsys):
    data = own_frames(tmp_path)
    command.main([str(tmp_path / 'run'), *data, '--weights', 'models/streets.onnx', *SMALL])
    said = capsys.readouterr().out
    assert 'rows of 3 of 4 classes, by name; new: air; not needed: sidewalk' in said
    assert 'step 1 of 2, loss' in said
    assert 'held out: PQ' in said
    entries = [json.loads(line) for line in (tmp_path / 'run/log.jsonl').read_text().splitlines()]
    figures = entries[-1]['held_out']
    assert entries[-1]['step'] == 2
    assert figures['panoptic_quality']['images'] == figures['frames'] >= 1
    sheet = cv2.imread(str(tmp_path / 'run/held_out.png'))
    assert sheet.shape[1] == 3 * 640 + 4 * 8
    export.main([str(tmp_path / 'run/checkpoint.pt'), '-o', str(tmp_path / 'my.onnx')])
    assert 'at 64x128' in capsys.readouterr().out
    report = tmp_path / 'report.json'
    evaluate.main([*data, '--held-out', '0.1', '--model', str(tmp_path / 'my.onnx'), '--device',
                   'cpu', '--workers', '1', '--json', str(report)])
    measured = json.loads(report.read_text())['panoptic_quality']['all']['pq']
    assert measured == pytest.approx(figures['panoptic_quality']['all']['pq'], abs=3)
    command.main([str(tmp_path / 'run'), *data, '--resume', '--steps', '3', '--device', 'cpu',
                  '--loaders', '0', '--measure-minutes', '0'])
    training = Checkpoint.load(tmp_path / 'run/checkpoint.pt').training
    assert (training['step'], training['options']['batch']) == (3, 4)


@pytest.mark.slow
@pytest.mark.parametrize('kind', sorted(TREES))
def test_each_data_set_is_trained_on_and_measured(kind, tmp_path, capsys):
    write_tree, name = TREES[kind]
    space = LabelSpace.load(kind)
    frames = []
    for index in range(6):
        image, labels = Boxes()[index]
        class_of = np.array([space.names.index(n) if n in space.names else 255 for n in (
            'road', 'person', 'car', 'sky', 'sky-other-merged')])
        class_id, instance = np.divmod(labels, 1000)
        own = np.full(labels.shape, 65535)
        for old, new in zip((0, 11, 13, 10, 10), class_of, strict=True):
            own[(class_id == old) & (new < 255)] = new * space.label_divisor
        own += np.where(np.isin(class_id, (11, 13)), instance, 0)
        frames.append((name.format(index), image, own.astype(np.uint16)))
    if kind == 'coco':
        (tmp_path / 'data/annotations').mkdir(parents=True)
    tree = write_tree(tmp_path / 'data', frames, SPLITS.get(kind, 'train'))
    command.main([str(tmp_path / 'run'), f'--{kind}', str(tree), *SMALL])
    said = capsys.readouterr().out
    assert '10% of the frames are held out in its place' in said
    assert 'held out: PQ' in said
    assert (tmp_path / 'run/held_out.png').is_file()
    assert Checkpoint.load(tmp_path / 'run/checkpoint.pt').label_space == space


def refused(arguments, folder, capsys):
    with pytest.raises(SystemExit) as exited:
        command.main([str(folder / 'run'), *arguments, *SMALL])
    assert exited.value.code
    assert not (folder / 'run').exists()
    return capsys.readouterr().err


def test_what_is_wrong_with_the_data_is_said_before_anything_is_trained(tmp_path, capsys):
    data = own_frames(tmp_path, 3)
    for arguments, message in (
            (data[:4], '--images, --truth and --labels go together'),
            ([*data, '--coco', 'there'], 'a training is on one data set'),
            ([*data, '--split', 'train'], '--split is a part of a data set'),
            ([*data, '--validation', 'val'], 'a share such as 0.1'),
            ([*data, '--validation', '1.5'], 'expected a share between 0 and 1'),
            (['--cityscapes', 'there', '--labels', 'coco'], 'have their own'),
            ([*data[:-1], 'cityscapes'], "instance 50 of the stuff class 'road'"),
            ([*data[:-1], 'other'], "no label space 'other'")):
        assert message in refused(arguments, tmp_path, capsys)
    (tmp_path / 'own/truth/2.png').unlink()
    assert '1 of 3 pictures have no labels' in refused(data, tmp_path, capsys)
    (tmp_path / 'own/my.yaml').write_text('name: mine\nlabel_divisor: 50\n')
    assert 'my.yaml: ' in refused(data, tmp_path, capsys)


class Damaged(Boxes):
    """Boxes of which one cannot be read."""

    def __getitem__(self, index):
        if index == 3:
            raise ValueError('3.png is truncated: copy it again')
        return super().__getitem__(index)


def test_a_training_that_meets_a_damaged_frame_is_saved(tmp_path):
    trainer = make(Damaged(), steps=50)
    with pytest.raises(ValueError, match=r'^3\.png is truncated: copy it again; .* saved after'):
        run(trainer, tmp_path, Intervals(60, 0))
    assert 1 <= Checkpoint.load(tmp_path / 'checkpoint.pt').training['step'] < 50


class Failing(Boxes):
    """Boxes of which one ends its reader with an error of PyTorch's."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def __getitem__(self, index):
        if index == 3:
            raise self.error
        return super().__getitem__(index)


@pytest.mark.parametrize(('error', 'message'), [
    (RuntimeError('unable to write to file </torch_5_6>: No space left on device (28)'),
     '^the shared memory of the machine is full: enlarge /dev/shm, .* fewer --loaders '),
    (RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate "
                  'memory: you tried to allocate 9 bytes.\nframe #0: <unknown>'),
     r'^the memory of the machine is too small: .* smaller --batch .* allocate 9 bytes\);'),
    (MemoryError(), r'^the memory of the machine is too small: .* \(MemoryError\);'),
    (RuntimeError('[/gloo/transport/tcp/pair.cc:534] Connection closed by peer [127.0.0.1]:99'),
     r'^another process of this training ended: its own lines say why \(\['),
    (RuntimeError('Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback (most '
                  'recent call last):\n  ...\nRuntimeError: odd'), '^odd; ')])
def test_a_training_that_fails_is_saved_and_says_why_in_a_line(error, message, tmp_path):
    trainer = make(Failing(error), steps=50)
    with pytest.raises(ValueError, match=f'{message}.* is saved after step') as raised:
        run(trainer, tmp_path, Intervals(60, 0))
    assert len(str(raised.value).splitlines()) == 1
    assert Checkpoint.load(tmp_path / 'checkpoint.pt').training['step'] == trainer.step >= 1


def test_a_training_whose_loader_is_killed_is_saved(boxes, tmp_path, monkeypatch):
    trainer = make(boxes, steps=5000, workers=1)
    monkeypatch.setattr('panoptic_ros.network.run.LOG_EVERY', 1)
    monkeypatch.setattr('panoptic_ros.network.run._Run._write', lambda *_: kill_loaders())
    with pytest.raises(ValueError, match=r'^a process that cuts crops was killed.* saved after'):
        run(trainer, tmp_path, Intervals(60, 0))
    assert 1 <= Checkpoint.load(tmp_path / 'checkpoint.pt').training['step'] < 5000


def kill_loaders():
    """Do what the kernel does when memory runs out."""
    for process in multiprocessing.active_children():
        process.kill()


@pytest.mark.parametrize('when', ['meanwhile', 'at the end'])
def test_a_training_on_a_full_disk_says_it_once(when, boxes, tmp_path, monkeypatch):
    def full(*_):
        raise OSError('cannot write checkpoint.pt: the disk is full')
    monkeypatch.setattr(Checkpoint, 'save', full)
    with pytest.raises(ValueError, match=r'^cannot write checkpoint\.pt: the disk is full$'):
        run(make(boxes), tmp_path, Intervals(0 if when == 'meanwhile' else 60, 0))
    damaged = make(Damaged(), steps=50)
    with pytest.raises(ValueError, match=r'^3\.png is truncated: .*; cannot write checkpoint'):
        run(damaged, tmp_path, Intervals(60, 0))


def test_a_log_on_a_full_disk_ends_a_training_that_is_saved(boxes, tmp_path, monkeypatch):
    monkeypatch.setattr('panoptic_ros.network.run.LOG_EVERY', 1)
    (tmp_path / 'log.jsonl').symlink_to('/dev/full')
    with pytest.raises(ValueError, match=r'No space left on device; .* is saved after step 1$'):
        run(make(boxes), tmp_path, Intervals(60, 0))


def test_memory_that_a_gpu_lacks_is_told_by_who_knows_the_gpu(tmp_path):
    trainer = make(Failing(torch.OutOfMemoryError('CUDA out of memory')), steps=50)
    with pytest.raises(torch.OutOfMemoryError):
        run(trainer, tmp_path, Intervals(60, 0))


def test_it_is_measured_now_and_then_and_at_the_end_unless_stopped(boxes, tmp_path):
    steps = []

    def measure():
        steps.append(trainer.step)
        return {'step': trainer.step}, 'measured'
    trainer = make(boxes, steps=4)
    run(trainer, tmp_path, Intervals(60, 1e-9), measure)
    assert steps == [1, 2, 3, 4]
    trainer = make(boxes, steps=6)
    trainer.stop()
    run(trainer, tmp_path / 'stopped', Intervals(60, 1000), measure)
    assert steps == [1, 2, 3, 4]
    assert (tmp_path / 'stopped/checkpoint.pt').is_file()


@pytest.mark.parametrize(('seconds', 'count'), [(0.0, 12), (1e9, 1)])
def test_without_a_terminal_there_is_a_line_now_and_then(seconds, count, boxes, tmp_path, capsys,
                                                         monkeypatch):
    monkeypatch.setattr(progress, 'LINE_EVERY', seconds)
    run(make(boxes, steps=12), tmp_path, Intervals(1e9, 0))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith('step ')]
    assert len(lines) == count
    assert lines[0].startswith('step 1 of 12, loss ')
    assert all(' images/s, ' in line and line.endswith(' left') for line in lines)


class Crowd(Boxes):
    """Boxes whose first car of each frame is crowd."""

    names = tuple('abcdefgh')

    def __getitem__(self, index):
        image, labels = super().__getitem__(index)
        return image, np.where(labels == 13001, 13000, labels).astype(np.uint16)


def test_a_truth_with_crowd_is_measured_and_drawn(boxes, tmp_path):
    stopped = []
    held_out = HeldOut(LiveEngine(make(boxes), (64, 128)), Crowd(count=8), tmp_path / 'a.png',
                       Training(lambda: 0.0, lambda: bool(stopped)))
    figures, words = held_out()
    assert figures['panoptic_quality']['images'] == 4
    assert words.endswith(f'on 4 frames; {tmp_path / "a.png"}')
    assert cv2.imread(str(tmp_path / 'a.png')).shape[0] > 4 * 320
    stopped.append(True)
    assert held_out()[0] == {'error': 'the training is to end'}
