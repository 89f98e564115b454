"""A bag that was labelled in pieces and joined is that of one run, byte for byte."""

import itertools

import numpy as np
import pytest
import tiny_model
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from panoptic_ros import Segmenter
from panoptic_ros.bags import messages
from panoptic_ros.bags.labelling import Labelling, label_bag
from panoptic_ros.bags.pieces import SECOND, join, piece_of, spans
from panoptic_ros.bags.reader import Bag, BagError
from panoptic_ros.bags.writer import BagWriter
from panoptic_ros.messages import IMAGE
from panoptic_ros.steps import Behind, ahead

FRAMES = 30
RATE = 8


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    """Cars that move, one of them away and back across the seams; a bag of many chunks."""
    alone = tiny_model.scene()
    alone[:, 8:50] = alone[:, :1]
    folder = tmp_path_factory.mktemp('recording') / 'drive'
    with BagWriter(folder) as writer:
        writer.add_topic('/front', IMAGE)
        for number in range(FRAMES):
            scene = alone if number % 9 in (6, 7, 8) else tiny_model.scene()
            stamp = 10**18 + number * SECOND // RATE
            writer.write('/front', stamp, messages.image(
                np.roll(scene, number, axis=1).repeat(5, 0).repeat(5, 1), 'bgr8',
                messages.header(stamp, 'front')))
    return folder


@pytest.fixture(scope='module')
def segmenter(tiny_onnx):
    return Segmenter.open(tiny_onnx)


def contents(bag):
    return {path.name: path.read_bytes() for path in bag.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize('options', [
    Labelling(with_overlay=True), Labelling(with_camera=False, with_tracking=False)])
def test_joined_pieces_are_the_bag_of_one_run(segmenter, recording, tmp_path, options):
    with Bag(recording) as source:
        label_bag(segmenter, source, tmp_path / 'whole' / 'out', options)
        parts = spans(source, 1)
        assert len(parts) == -(-FRAMES // RATE)
        pieces = [tmp_path / 'pieces' / str(number) for number in range(len(parts))]
        for piece, part in reversed(list(zip(pieces, parts, strict=True))):
            label_bag(segmenter, source, piece, piece_of(options, part))
        done = join(source, pieces, tmp_path / 'out', options, segmenter.label_space)
    assert done.frames == FRAMES
    assert contents(tmp_path / 'out') == contents(tmp_path / 'whole' / 'out')


def test_a_piece_that_lacks_frames_is_told(segmenter, recording, tmp_path):
    with Bag(recording) as source:
        first, _, third, _ = spans(source, 1)
        for name, part in (('a', first), ('b', third)):
            label_bag(segmenter, source, tmp_path / name, piece_of(Labelling(), part))
        for pieces in (['a', 'b'], ['a']):
            with pytest.raises(BagError, match=r'drive lack its frame of 1000000001000000000: '
                                               'remove them'):
                join(source, [tmp_path / piece for piece in pieces], tmp_path / 'out',
                     Labelling(), segmenter.label_space, overwrite=True)


@pytest.mark.slow
@settings(max_examples=examples(100))
@given(st.data())
def test_a_part_of_a_bag_is_what_a_filter_gives(recording, data):
    limits = st.integers(-1, FRAMES + 1).map(lambda n: 10**18 + n * SECOND // RATE)
    part = data.draw(limits), data.draw(limits)
    with Bag(recording) as bag:
        all_of_it = [record.time for record in bag.messages()]
        assert [record.time for record in bag.messages(part=part)] == [
            time for time in all_of_it if part[0] <= time < part[1]]
        assert bag.end == all_of_it[-1]


@settings(max_examples=examples(100))
@given(st.integers(0, 12), st.none() | st.integers(0, 12), st.none() | st.integers(0, 12),
       st.none() | st.integers(0, 12), st.integers(1, 4))
def test_steps_that_overlap_fail_as_one_after_the_other_would(count, draw, work, last, most):
    """What came before the first error is done, in order, and nothing after it."""
    def until(number, items, step):
        for item in items:
            if step and item == number:
                raise ValueError(step)
            yield item

    def fail(number, step):
        def check(item):
            if item == number:
                raise ValueError(step)
            return item
        return check

    done, failed = [], None
    try:
        with Behind(lambda item: done.append(fail(last, 'last')(item)), most) as behind:
            for item in ahead(until(draw, range(count), 'draw'), fail(work, 'work'), most):
                behind.give(item)
    except ValueError as error:
        failed = str(error)
    expected = sorted((number, order, name) for order, (number, name) in enumerate(
        ((draw, 'draw'), (work, 'work'), (last, 'last'))) if number is not None and number < count)
    assert failed == (expected[0][2] if expected else None)
    assert done == list(range(expected[0][0] if expected else count))
    assert list(itertools.islice(ahead(itertools.count(), str, most), 3)) == ['0', '1', '2']
