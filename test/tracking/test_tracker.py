"""Things keep their numbers."""

import sys
from itertools import pairwise

import numpy as np
import pytest
from examples import examples
from grouping_cases import make_label_space
from hypothesis import given, settings
from hypothesis import strategies as st

from panoptic_ros import UNLABELED, Panoptic
from panoptic_ros.streets import Drive
from panoptic_ros.tracking import Tracker, TrackingOptions
from panoptic_ros.tracking.tracker import pair

PERSON, CAR = 11, 13
SIZE = 120, 200


@pytest.fixture
def tracker(cityscapes):
    return Tracker(cityscapes)


@pytest.fixture
def show(cityscapes):
    """Make a frame of road with squares of 20 px, numbered row by row as the grouping does."""
    def show(*things):
        labels = np.zeros(SIZE, np.uint16)
        numbers = {}
        for class_id, y, x in sorted(things, key=lambda thing: thing[1:]):
            numbers[class_id] = numbers.get(class_id, 0) + 1
            labels[y:y + 20, x:x + 20] = 1000 * class_id + numbers[class_id]
        return Panoptic.from_labels(labels, cityscapes)
    return show


def number_at(panoptic, y, x):
    return int(panoptic.labels[y + 10, x + 10]) % 1000


def test_the_first_frame_is_left_as_it_is(tracker, show):
    frame = show((CAR, 10, 10), (CAR, 50, 60))
    assert tracker(frame, 0.0) is frame


def test_numbers_stay_when_the_order_changes(tracker, show):
    tracker(show((CAR, 40, 10), (CAR, 50, 100)), 0.0)
    frame = show((CAR, 50, 12), (CAR, 44, 98))
    assert (number_at(frame, 50, 12), number_at(frame, 44, 98)) == (2, 1)
    result = tracker(frame, 0.1)
    assert (number_at(result, 50, 12), number_at(result, 44, 98)) == (1, 2)
    result.check()
    assert sorted(result.things.instance.tolist()) == [1, 2]
    assert number_at(frame, 50, 12) == 2, 'the frame itself is not changed'


def test_each_class_counts_for_itself(tracker, show):
    tracker(show((CAR, 10, 10), (PERSON, 10, 60)), 0.0)
    result = tracker(show((PERSON, 12, 12), (CAR, 12, 62), (CAR, 12, 10)), 0.1)
    assert number_at(result, 12, 12) == 2, 'a person where a car was is another thing'
    assert number_at(result, 12, 62) == 2


def test_a_newcomer_gets_a_number_that_nobody_had(tracker, show):
    tracker(show((CAR, 10, 10), (CAR, 10, 60), (CAR, 10, 110)), 0.0)
    for step in range(1, 4):                    # the others are forgotten
        tracker(show((CAR, 10, 60)), 0.5 * step)
    result = tracker(show((CAR, 10, 60), (CAR, 60, 10)), 2.0)
    assert number_at(result, 10, 60) == 2
    assert number_at(result, 60, 10) == 4


def test_what_was_out_of_sight_for_a_while_is_known_again(tracker, show):
    for step in range(4):                       # 10 px a frame to the right
        tracker(show((CAR, 10, 10 + 10 * step), (CAR, 70, 10)), 0.1 * step)
    for step in range(4, 9):
        tracker(show((CAR, 70, 10)), 0.1 * step)
    result = tracker(show((CAR, 10, 100), (CAR, 70, 10)), 0.9)
    assert (number_at(result, 10, 100), number_at(result, 70, 10)) == (1, 2)
    late = Tracker(result.label_space, TrackingOptions(memory=0.3))
    late(show((CAR, 10, 10), (CAR, 70, 10)), 0.0)
    late(show((CAR, 70, 10)), 0.2)
    assert number_at(late(show((CAR, 10, 10), (CAR, 70, 10)), 0.4), 10, 10) == 3


def test_what_is_new_moves_as_its_neighbours_do(tracker, show):
    """All goes 15 px a frame to the right, most of a side."""
    first = [(CAR, 10 + 30 * row, x) for row in range(3) for x in (0, 30)]
    tracker(show(*first), 0.0)
    for step in (1, 2):
        moved = [(CAR, y, x + 15 * step) for _, y, x in first]
        tracker(show(*moved), 0.1 * step)
    newcomer = (CAR, 10, 100)
    before = tracker(show(*[(CAR, y, x + 45) for _, y, x in first], newcomer), 0.3)
    after = tracker(show(*[(CAR, y, x + 105) for _, y, x in first], (CAR, 10, 160)), 0.7)
    assert number_at(after, 10, 160) == number_at(before, 10, 100) == 7


@pytest.mark.parametrize(('time', 'number'), [
    (5.5, 2), (4.5, 2), (6.1, 3), (3.9, 1)])
def test_a_clock_that_jumps(tracker, show, time, number):
    """A little: the same thing; ahead: nothing is known any more; back: a recording again."""
    tracker(show((CAR, 10, 10), (CAR, 10, 100)), 5.0)
    assert number_at(tracker(show((CAR, 10, 100)), 5.0), 10, 100) == 2
    assert number_at(tracker(show((CAR, 10, 100)), time), 10, 100) == number


def test_images_of_another_size_show_newcomers(tracker, show, cityscapes):
    tracker(show((CAR, 10, 10), (CAR, 50, 60)), 0.0)
    small = Panoptic.from_labels(np.ascontiguousarray(
        show((CAR, 10, 10), (CAR, 50, 60)).labels[::2, ::2]), cityscapes)
    assert sorted(tracker(small, 0.1).things.instance.tolist()) == [3, 4]


@pytest.mark.parametrize('rate', [10, 30])
def test_a_stamp_that_comes_late_costs_no_number(tracker, show, rate):
    for step in range(30):
        time = (step + 0.9 * (step == 12)) / rate
        things = [(CAR, 10, 10 + 3 * step), (CAR, 45, 100 - 3 * step), (CAR, 80, 20 + 2 * step)]
        result = tracker(show(*things), time)
        assert [number_at(result, y, x) for _, y, x in things] == [1, 2, 3], step


def test_a_velocity_is_smoothed(tracker, show):
    """15 px a frame, one step of 24; 3 frames out of sight, and there it is, half a side off."""
    x = [10, 25, 40, 55, 79, 79 + 4 * 15]
    for step, left in enumerate(x[:5]):
        tracker(show((CAR, 10, left), (CAR, 70, 10)), 0.1 * step)
    for step in range(5, 8):
        tracker(show((CAR, 70, 10)), 0.1 * step)
    result = tracker(show((CAR, 10, x[5]), (CAR, 70, 10)), 0.8)
    assert number_at(result, 10, x[5]) == 1


def test_neighbours_are_the_nearest(tracker, show):
    """All on the left stands, all on the right runs: who is new there runs along."""
    def scene(step, *more):
        return show(*[(CAR, y, 0) for y in (0, 25, 50, 75)],
                    *[(CAR, y, 100 + 12 * step) for y in (0, 25, 50)], *more)
    for step in range(3):
        tracker(scene(step), 0.1 * step)
    newcomer = number_at(tracker(scene(3, (CAR, 75, 136)), 0.3), 75, 136)
    result = tracker(show(*[(CAR, y, 0) for y in (0, 25, 50, 75)], (CAR, 75, 136 + 48)), 0.7)
    assert newcomer == 8
    assert number_at(result, 75, 184) == 8


def test_labels_in_any_memory_order(tracker, show, cityscapes):
    tracker(show((CAR, 40, 10), (CAR, 50, 100)), 0.0)
    frame = show((CAR, 50, 12), (CAR, 44, 98))
    frame = Panoptic(np.asfortranarray(frame.labels), frame.segments, cityscapes)
    tracker(frame, 0.1).check()


def test_without_numba_the_labels_are_the_same(tracker, show, monkeypatch):
    monkeypatch.setitem(sys.modules, 'panoptic_ros.tracking.look_up', None)
    tracker(show((CAR, 40, 10), (CAR, 50, 100)), 0.0)
    result = tracker(show((CAR, 50, 12), (CAR, 44, 98)), 0.1)
    assert (number_at(result, 50, 12), number_at(result, 44, 98)) == (1, 2)
    result.check()


def test_results_of_another_label_space_are_refused(tracker):
    other = make_label_space([True], 5)
    with pytest.raises(ValueError, match="label space 'drawn': expected 'cityscapes'"):
        tracker(Panoptic.from_labels(np.ones((4, 4), np.uint16), other), 0.0)


def test_what_flickers_does_not_cost_ever_more(tracker, show):
    random = np.random.default_rng(0)
    for step in range(120):     # each frame shows others
        places = random.permutation(40)[:15]
        tracker(show(*[(CAR, 24 * (int(p) % 5), 24 * (int(p) // 5)) for p in places]),
                0.001 * step)
    assert len(tracker._tracks) <= 256 + 15


def test_stamps_that_stand_still(tracker, show):
    for _ in range(3):
        tracker(show((CAR, 40, 10), (CAR, 50, 100)), 0.0)
    result = tracker(show((CAR, 50, 10), (CAR, 40, 100)), 0.0)
    assert (number_at(result, 50, 10), number_at(result, 40, 100)) == (1, 2)


def test_numbers_come_round_when_they_are_used_up():
    space = make_label_space([True, False], 4)      # three instances
    tracker = Tracker(space, TrackingOptions(memory=10.0))
    seen = []
    for step in range(8):
        labels = np.full(SIZE, 4, np.uint16)
        labels[10:20, 30 * (step % 6):30 * (step % 6) + 8] = 1
        seen.append(int(tracker(Panoptic.from_labels(labels, space), step).things.instance[0]))
    assert set(seen) == {1, 2, 3}
    assert all(one != other for one, other in pairwise(seen))


def test_the_confidence_stays(tracker, show, cityscapes):
    tracker(show((CAR, 40, 10), (CAR, 50, 100)), 0.0)
    frame = show((CAR, 50, 12), (CAR, 44, 98))
    confidence = np.zeros(SIZE, np.uint8)
    result = tracker(Panoptic(frame.labels, frame.segments, cityscapes, confidence), 0.1)
    assert result.confidence is confidence
    assert result.instances()[60, 20] == 1


@settings(max_examples=examples(60))
@given(st.integers(0, 2**32), st.sampled_from([2, 3, 1000]), st.integers(1, 6))
def test_a_frame_keeps_its_segments(seed, divisor, frames):
    """Whatever comes: another name for each segment, the same pixels."""
    random = np.random.default_rng(seed)
    space = make_label_space([False, True, True], divisor)
    tracker = Tracker(space)
    time = 0.0
    for _ in range(frames):
        labels = np.zeros((24, 40), np.uint16)
        for class_id in (1, 2):
            for number in range(1, min(divisor, 8)):
                y, x = random.integers(0, 20), random.integers(0, 36)
                labels[y:y + 5, x:x + 5] = class_id * divisor + number
        labels[random.random(labels.shape) < 0.05] = UNLABELED
        frame = Panoptic.from_labels(labels, space)
        time += random.choice([-1, 0, 0.1, 2])
        result = tracker(frame, time)
        result.check()
        pairs = {(int(a), int(b)) for a, b in zip(frame.labels.flat, result.labels.flat,
                                                  strict=True)}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        assert all(a == b for a, b in pairs if a in (0, UNLABELED))
        new = dict(pairs)
        for column in ('class_id', 'score'):
            of = dict(zip(result.segments.label.tolist(), getattr(result.segments, column),
                          strict=True))
            assert all(of[new[label]] == value for label, value in zip(
                frame.segments.label.tolist(), getattr(frame.segments, column), strict=True))


@given(st.lists(st.lists(st.sampled_from([0.1, 0.3, 0.5, 0.9, 1.5, np.inf]), min_size=3,
                         max_size=3), min_size=1, max_size=5))
def test_pairs_are_the_closest_first(rows):
    distance = np.array(rows)
    before, now = pair(distance, 1.0)
    assert len(set(before.tolist())) == len(before) == len(set(now.tolist())) == len(now)
    assert (distance[before, now] <= 1).all()
    for row, column in np.argwhere(distance <= 1):      # who is left out lost to a closer pair
        rivals = distance[before, now][(before == row) | (now == column)]
        assert len(rivals)
        assert rivals.min() <= distance[row, column]


def test_options_are_checked():
    with pytest.raises(ValueError, match='reach is -1: expected a finite number from 0 on'):
        TrackingOptions(reach=-1)
    with pytest.raises(ValueError, match='reach is inf'):
        TrackingOptions(reach=float('inf'))
    with pytest.raises(ValueError, match='memory is nan'):
        TrackingOptions(memory=float('nan'))


@pytest.mark.slow
def test_things_of_a_street_keep_their_numbers(cityscapes):
    """At 10 Hz, numbered anew in each frame; of the ground truth, which knows who is who."""
    drive, tracker = Drive(3005, (256, 512)), Tracker(cityscapes)
    number_of, steps, changes = {}, 0, 0
    for frame in range(40):
        _, labels = drive.image_and_labels(frame / 10)
        anew = labels.copy()
        for class_id in cityscapes.thing_ids:
            present = np.unique(labels[labels // 1000 == class_id])
            for number, label in enumerate(present, 1):
                anew[labels == label] = 1000 * class_id + number
        result = tracker(Panoptic.from_labels(anew, cityscapes), frame / 10)
        for thing in Panoptic.from_labels(labels, cityscapes).things.label.tolist():
            number = int(result.labels[labels == thing][0])
            if thing in number_of:
                steps += 1
                changes += number != number_of[thing]
            number_of[thing] = number
    assert steps > 900
    assert changes / steps < 0.01, f'{changes} of {steps}'
