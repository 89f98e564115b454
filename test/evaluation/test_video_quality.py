"""Video panoptic quality, held against the PQ of frames that are put on top of each other."""

import numpy as np
import pytest
from label_scenes import scene_pair

from panoptic_ros import LabelSpace
from panoptic_ros.evaluation import PanopticQuality, VideoPanopticQuality
from panoptic_ros.evaluation.clips import DriveClips, clip_rows
from panoptic_ros.panoptic import Panoptic
from panoptic_ros.streets import Drive

SPACE = LabelSpace.load('cityscapes')


def clip_of(seed, frames=5):
    """Return (prediction, truth) of some frames with parts that stay the same."""
    return [scene_pair(seed + step % 2, SPACE) for step in range(frames)]


@pytest.mark.parametrize('seed', range(6))
def test_a_window_is_one_tall_image(seed):
    windows = (1, 2, 4)
    quality = VideoPanopticQuality(SPACE, windows)
    stacked = {window: PanopticQuality(SPACE) for window in windows}
    for clip in (clip_of(10 * seed), clip_of(10 * seed + 5, 3)):
        quality.begin_clip()
        for prediction, truth in clip:
            quality.update(prediction, truth)
        for window, tall in stacked.items():
            for first in range(len(clip) - window + 1):
                tall.update(*(np.concatenate([pair[side] for pair in clip[first:first + window]])
                              for side in (0, 1)))
    result = quality.compute()
    for window, tall in stacked.items():
        assert result.per_window[window] == tall.compute()
    assert result.mean() == pytest.approx(
        np.mean([tall.compute().all.pq for tall in stacked.values()]))
    assert result.to_dict()['per_window']['4']['all']['pq'] == stacked[4].compute().all.pq


def test_a_number_that_changes_breaks_the_tube():
    truth = np.zeros((40, 60), np.uint16)
    truth[10:30, 5:25], truth[10:30, 35:55] = 13001, 13002
    swapped = truth.copy()
    swapped[truth == 13001], swapped[truth == 13002] = 13002, 13001
    quality = VideoPanopticQuality(SPACE)
    for prediction in (truth, truth, swapped, swapped):
        quality.update(prediction, truth)
    things = [result.things.pq for result in quality.compute().per_window.values()]
    assert things[0] == 100
    assert things[1] == pytest.approx(100 * 2 / 3), 'two windows of three keep their numbers'
    assert things[3] == 0
    assert all(result.stuff.pq == 100 for result in quality.compute().per_window.values())


@pytest.mark.parametrize('windows', [(), (0, 1)])
def test_windows_are_checked(windows):
    with pytest.raises(ValueError, match='expected numbers of frames from 1'):
        VideoPanopticQuality(SPACE, windows)


@pytest.mark.slow
def test_clips_of_streets_with_and_without_tracking():
    """A predictor that knows the truth but numbers things anew, from the other end each time."""
    clips = DriveClips(2, 4, (96, 192))
    calls = []

    def predict(image):
        number = len(calls)
        calls.append(image.shape)
        drive = Drive(clips.first_seed + number // 4, clips.size)
        _, labels = drive.image_and_labels(number % 4 / 10)
        anew = labels.copy()
        for class_id in SPACE.thing_ids:
            present = np.unique(labels[labels // 1000 == class_id])
            for place, label in enumerate(present[::1 if number % 2 else -1], 1):
                anew[labels == label] = 1000 * class_id + place
        return Panoptic.from_labels(anew, SPACE)

    done = []
    rows = list(clip_rows(clips.measure(predict, lambda: done.append(1))))
    assert calls == [(96, 192, 3)] * 8
    assert len(done) == 8
    (_, anew, *_), (name, tracked, things, stuff, *windows) = rows
    assert name == 'tracked'
    assert anew < tracked <= stuff == windows[0] == 100
    assert things > 80
