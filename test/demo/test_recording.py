import numpy as np
import pytest

from panoptic_ros.bags.frames import camera_frames, camera_topic
from panoptic_ros.bags.reader import Bag
from panoptic_ros.demo import recording
from panoptic_ros.demo.recording import CAMERA, EPOCH, TRUTH, TRUTH_INFO, Recipe, recorded_drive
from panoptic_ros.streets import Drive

SMALL = Recipe(seed=1_000_003, frames=3, fps=20, height=64, width=128)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('drives')


@pytest.fixture(scope='module')
def drive(folder):
    return recorded_drive(SMALL, folder)


@pytest.mark.slow
def test_frames_and_truth_are_the_street_s(drive):
    street = Drive(SMALL.seed, (64, 128))
    with Bag(drive) as bag:
        assert {t.name: t.count for t in bag.topics} == {CAMERA: 3, TRUTH: 3, TRUTH_INFO: 1}
        assert camera_topic(bag).name == CAMERA
        frames = list(camera_frames(bag, bag.topic(CAMERA)))
        truths = [bag.decode(record) for record in bag.messages([TRUTH])]
    for number, (frame, truth) in enumerate(zip(frames, truths, strict=True)):
        image, panoptic = street.frame(number / 20)
        assert frame.stamp == EPOCH + number * 50_000_000
        assert frame.header == truth.header
        np.testing.assert_array_equal(frame.image, image)
        np.testing.assert_array_equal(truth.data.view(np.uint16).reshape(64, 128),
                                      panoptic.labels)


@pytest.mark.slow
def test_a_drive_is_made_once(drive, folder, monkeypatch):
    def refuse(*_):
        raise AssertionError('drawn again')

    monkeypatch.setattr(recording, '_draw', refuse)
    assert recorded_drive(SMALL, folder) == drive


@pytest.mark.parametrize('change', [{'seed': 1}, {'frames': 4}, {'fps': 10.0}, {'height': 96}])
def test_another_recipe_is_another_drive(change):
    numbers = {'seed': SMALL.seed, 'frames': 3, 'fps': 20, 'height': 64, 'width': 128, **change}
    assert Recipe(**numbers).name() != SMALL.name()
    assert Recipe(**numbers).name() == Recipe(**numbers).name()


def test_an_interrupted_drive_is_not_taken_for_one(tmp_path, monkeypatch):
    def interrupted(recipe):
        yield from [(np.zeros((64, 128, 3), np.uint8), np.zeros((64, 128), np.uint16))]
        raise KeyboardInterrupt

    monkeypatch.setattr(recording, '_draw', interrupted)
    with pytest.raises(KeyboardInterrupt):
        recorded_drive(SMALL, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('wrong', [{'frames': 0}, {'fps': 0.0}, {'seed': -1}])
def test_impossible_recipes(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Recipe(**wrong)


def test_a_size_too_small_to_draw():
    with pytest.raises(ValueError, match='size is 16x128'):
        Recipe(height=16, width=128)
