import subprocess
import sys
import zlib

import numpy as np
import pytest

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.streets import Drive
from panoptic_ros.streets.classes import FIRST_THING, Kind

SPACE = LabelSpace.load('cityscapes')
SMALL = (128, 256)


def checksum(drive, time):
    image, labels = drive.image_and_labels(time)
    return zlib.crc32(labels.tobytes(), zlib.crc32(image.tobytes()))


def test_kinds_are_the_training_ids_of_cityscapes():
    assert [kind.name.lower().replace('_', ' ') for kind in Kind] == list(SPACE.names)
    assert tuple(range(FIRST_THING, len(Kind))) == SPACE.thing_ids


def test_a_frame_is_an_image_and_its_ground_truth():
    image, truth = Drive(seed=7, size=SMALL).frame(2.0)
    assert image.dtype == np.uint8
    assert image.shape == (*SMALL, 3)
    assert truth.size == SMALL
    truth.check()


@pytest.mark.slow
def test_frames_do_not_depend_on_what_was_asked_before():
    first, second = Drive(3, SMALL), Drive(3, SMALL)
    times = [0.0, 40.0, 5.0, 5.1]
    forward = [checksum(first, time) for time in times]
    assert forward == [checksum(second, time) for time in times[::-1]][::-1]
    assert len(set(forward)) == len(times)


@pytest.mark.slow
def test_frames_are_the_same_in_another_process():
    code = ('import zlib; from panoptic_ros.streets import Drive; '
            f'image, labels = Drive(11, {SMALL}).image_and_labels(9.5); '
            'print(zlib.crc32(labels.tobytes(), zlib.crc32(image.tobytes())))')
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True,
                         timeout=120)
    assert int(out.stdout) == checksum(Drive(11, SMALL), 9.5)


def test_seeds_differ():
    assert checksum(Drive(1, SMALL), 1.0) != checksum(Drive(2, SMALL), 1.0)


@pytest.mark.parametrize('size', [(64, 128), (120, 160), (160, 120), (270, 480)])
def test_any_size_shows_the_road_below_and_what_stands_above(size):
    _, truth = Drive(5, size).frame(3.0)
    truth.check()
    classes = truth.semantic()
    below = classes[int(0.8 * size[0]):]
    assert (below != Kind.SKY).all()
    assert not np.isin(classes[:size[0] // 5], [Kind.ROAD, Kind.SIDEWALK, Kind.TERRAIN]).any()


def test_the_scene_scales_with_the_image():
    _, small = Drive(6, (128, 256)).frame(4.0)
    _, large = Drive(6, (256, 512)).frame(4.0)
    same = small.semantic() == large.semantic()[::2, ::2]
    assert same.mean() > 0.93


@pytest.mark.slow
def test_things_keep_their_label_while_they_move():
    drive = Drive(8, (256, 512))
    kept, moved = [], []
    _, before = drive.frame(10.0)
    for step in range(1, 11):
        _, now = drive.frame(10.0 + 0.1 * step)
        here = dict(zip(now.things.label.tolist(), now.things.centroid, strict=True))
        for row in np.flatnonzero(before.things.area > 300):
            x0, _, x1, _ = before.things.box[row]
            if x0 < 12 or x1 > 500:         # about to leave
                continue
            label = int(before.things.label[row])
            kept.append(label in here)
            if label in here:
                moved.append(np.linalg.norm(here[label] - before.things.centroid[row]))
        before = now
    assert len(kept) > 30
    assert np.mean(kept) > 0.95
    assert np.median(moved) < 6


@pytest.mark.slow
def test_a_drive_never_runs_dry():
    drive = Drive(9, SMALL)
    for time in (0.0, 60.0, 120.0, 600.0, 3600.0):
        image, labels = drive.image_and_labels(time)
        assert image.std() > 15
        assert len(np.unique(SPACE.semantic(labels))) >= 7


@pytest.mark.slow
def test_only_the_bonnet_is_unlabelled():
    for seed in range(12):
        drive = Drive(seed, SMALL)
        _, labels = drive.image_and_labels(1.0)
        rows = np.flatnonzero((labels == UNLABELED).any(1))
        assert bool(len(rows)) == drive.bonnet
        assert (rows > 0.9 * SMALL[0]).all()


@pytest.mark.parametrize(('arguments', 'message'), [
    ({'seed': -1}, 'seed is -1'), ({'seed': 1, 'size': (16, 400)}, r'size is \(16, 400\)')])
def test_impossible_drives_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Drive(**arguments)


@pytest.mark.parametrize('time', [-0.1, float('nan'), 1e9])
def test_impossible_times_are_refused(time):
    with pytest.raises(ValueError, match='expected seconds'):
        Drive(1, SMALL).frame(time)
