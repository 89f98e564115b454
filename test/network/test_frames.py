"""Rendered frames on disk are those that the renderer draws, of training seeds only."""

from types import SimpleNamespace

import numpy as np
import pytest

from panoptic_ros.labels import LabelSpace
from panoptic_ros.network import frames as rendering
from panoptic_ros.network.frames import FRAMES_PER_DRIVE, StreetFrames
from panoptic_ros.streets import FIRST_HELD_OUT_SEED, PLAIN, Drive, Variety

SIZE = (64, 128)


class DrawnElsewhere:
    """A drive that takes no time to draw."""

    def frame(self, seconds):
        truth = SimpleNamespace(labels=np.full(SIZE, 7, np.uint16))
        return np.zeros((*SIZE, 3), np.uint8), truth


@pytest.mark.slow
def test_rendering_fills_the_folder_once(tmp_path):
    frames = StreetFrames(tmp_path, FRAMES_PER_DRIVE + 1, SIZE, seed=5)
    assert list(frames.render(workers=1)) == [0, FRAMES_PER_DRIVE, FRAMES_PER_DRIVE + 1]
    written = {path: path.read_bytes() for path in tmp_path.rglob('*.*')}
    assert len(written) == len(frames)
    assert list(frames.render(workers=1)) == [len(frames)]
    assert {path: path.read_bytes() for path in tmp_path.rglob('*.*')} == written


@pytest.mark.slow
def test_frames_are_moments_of_their_drive_with_their_labels(tmp_path):
    frames = StreetFrames(tmp_path, 2, SIZE, seed=5)
    list(frames.render(workers=1))
    times = np.sort(np.random.default_rng((5, 1)).uniform(0, 30, FRAMES_PER_DRIVE))
    for index in range(2):
        image, labels = frames[index]
        expected, truth = Drive(seed=5, size=SIZE).frame(float(times[index]))
        np.testing.assert_array_equal(image, expected)
        np.testing.assert_array_equal(labels, truth.labels)
        assert labels.dtype == np.uint16
    assert set(np.unique(LabelSpace.load('cityscapes').semantic(labels))) <= {*range(19), 255}


@pytest.mark.slow
def test_varieties_take_turns_by_the_seed_of_the_drive(tmp_path):
    texture = Variety(textures=True)
    frames = StreetFrames(tmp_path, 2 * FRAMES_PER_DRIVE, SIZE, seed=7, varieties=(PLAIN, texture))
    list(frames.render(workers=1))
    assert sorted(path.parent.name for path in tmp_path.rglob('*_0.npy')) == [
        '64x128-plain', '64x128-textures']
    alone = StreetFrames(tmp_path, FRAMES_PER_DRIVE, SIZE, seed=8)
    assert next(alone.render(workers=1)) == FRAMES_PER_DRIVE     # the plain ones are there
    np.testing.assert_array_equal(frames[FRAMES_PER_DRIVE][0], alone[0][0])
    with pytest.raises(ValueError, match='expected at least one'):
        StreetFrames(tmp_path, 1, SIZE, varieties=())


def test_another_training_that_renders_the_same_frame_is_left_alone(tmp_path, monkeypatch):
    frames = StreetFrames(tmp_path, 1, SIZE)
    path = frames.path(0)
    path.parent.mkdir()
    theirs = path.with_suffix('.partial')
    theirs.write_bytes(b'half a frame')
    monkeypatch.setattr(rendering, 'Drive', lambda *_: DrawnElsewhere())
    rendering._render_drive(frames, 0, [0])
    image, labels = frames[0]
    assert image.shape == (*SIZE, 3)
    assert (labels == 7).all()
    assert theirs.read_bytes() == b'half a frame'
    assert set(path.parent.iterdir()) == {path, theirs}


def test_a_frame_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(file, pixels):
        file.write(b'half')
        raise OSError(28, 'No space left on device')
    frames = StreetFrames(tmp_path, 1, SIZE)
    frames.path(0).parent.mkdir()
    monkeypatch.setattr(rendering, 'Drive', lambda *_: DrawnElsewhere())
    monkeypatch.setattr(rendering.np, 'save', full)
    with pytest.raises(OSError, match='No space left'):
        rendering._render_drive(frames, 0, [0])
    assert not list(frames.path(0).parent.iterdir())


def test_held_out_drives_cannot_be_trained_on(tmp_path):
    last = FIRST_HELD_OUT_SEED - 1
    assert StreetFrames(tmp_path, FRAMES_PER_DRIVE, SIZE, seed=last).drives == 1
    assert str(last) in StreetFrames(tmp_path, 1, SIZE, seed=last).description
    with pytest.raises(ValueError, match='held out'):
        StreetFrames(tmp_path, FRAMES_PER_DRIVE + 1, SIZE, seed=last)
    with pytest.raises(ValueError, match='count is 0'):
        StreetFrames(tmp_path, 0)
