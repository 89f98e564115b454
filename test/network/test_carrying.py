"""Starting from weights for other classes keeps all but the rows of classes that are new."""

from dataclasses import replace

import numpy as np
import pytest
import tiny_fpn
import tiny_masks
import tiny_training
from examples import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from panoptic_ros.labels import LabelSpace  # noqa: E402
from panoptic_ros.network import families  # noqa: E402
from panoptic_ros.network.carrying import OTHER, Kept, carried_over  # noqa: E402
from panoptic_ros.network.checkpoint import CheckpointError  # noqa: E402

pytestmark = pytest.mark.torch

CITYSCAPES = LabelSpace.load('cityscapes')


class Source:
    """Frames of any label space, which are never read."""

    description = 'none: 1 frame'

    def __init__(self, label_space):
        self.label_space = label_space

    def __len__(self):
        return 1


def space_of(names):
    """Return a label space of classes, of which Cityscapes has some."""
    known = {category.name: category for category in CITYSCAPES.categories}
    model = CITYSCAPES.categories[0]
    return LabelSpace('mine', 100, tuple(
        replace(known.get(name, model), name=name, dataset_id=100 + number)
        for number, name in enumerate(names)))


@pytest.mark.parametrize('family', [tiny_training, tiny_masks, tiny_fpn],
                         ids=['deeplab', 'masks', 'fpn'])
@given(st.lists(st.sampled_from([*CITYSCAPES.names, 'tram', 'kerb', 'gravel']), min_size=1,
                max_size=22, unique=True))
@settings(max_examples=examples(8))
def test_rows_go_by_the_names_of_classes(family, names):
    space = space_of(names)
    assume(family is not tiny_fpn or 0 < space.is_thing.sum() < len(space))
    theirs = family.make(Source(CITYSCAPES), seed=1).checkpoint()
    trainer = family.make(Source(space), seed=2)
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    kept = trainer.start_from(theirs)
    after = trainer.average.network.state_dict()
    rows_of = families.find(trainer.config.family).class_rows
    rows, their_rows = rows_of(space), rows_of(CITYSCAPES)
    for name, value in trainer.network.state_dict().items():
        assert torch.equal(value, after[name])
        layer = name.rpartition('.')[0]
        if layer not in rows:
            assert torch.equal(value, theirs.weights[name])
            continue
        known = dict(zip(their_rows[layer], theirs.weights[name].chunk(len(their_rows[layer])),
                         strict=True))
        assert {*rows[layer]} - {OTHER} <= {*names}
        for row, own, first in zip(rows[layer], value.chunk(len(rows[layer])),
                                   before[name].chunk(len(rows[layer])), strict=True):
            assert torch.equal(own, known.get(row, first)), row
    assert {row for layer in rows.values() for row in layer} - {OTHER} == {*names}
    assert kept.kept == tuple(name for name in names if name in CITYSCAPES.names)
    assert set(kept.kept) | set(kept.new) == set(names)
    assert set(kept.left) == set(CITYSCAPES.names) - set(names)


def test_a_network_of_another_shape_is_refused(boxes):
    other = replace(tiny_training.TINY, name='wide', semantic=replace(
        tiny_training.BRANCH, head=16))
    checkpoint = tiny_training.make(boxes, config=other).checkpoint()
    trainer = tiny_training.make(boxes)
    with pytest.raises(CheckpointError, match=r"of network 'wide' .* of 'tiny' for 19: semantic"):
        trainer.start_from(checkpoint)
    checkpoint = trainer.checkpoint()
    del checkpoint.weights['semantic.1.bias']
    with pytest.raises(CheckpointError, match=r'bias is missing there'):
        carried_over(checkpoint, trainer.network.state_dict(), CITYSCAPES,
                     families.find('deeplab').class_rows, 'x')


def test_what_is_kept_is_one_line():
    names = tuple(np.char.add('class ', np.arange(9).astype(str)).tolist())
    assert str(Kept(('road', 'sky'), ('tram',), names)) == (
        'kept: backbone and decoders whole, of the last layer the rows of 2 of 3 classes, by '
        'name; new: tram; not needed: class 0, class 1, class 2, class 3, class 4, class 5 and 3 '
        'more')
