"""Samples are crops whose image and targets belong together."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='samples are tensors of PyTorch')

from boxes import Boxes  # noqa: E402
from tiny_training import of_streets  # noqa: E402

from panoptic_ros.network.families.deeplab.targets import TargetOptions  # noqa: E402
from panoptic_ros.network.samples import SampleOptions, Samples, collate  # noqa: E402

pytestmark = pytest.mark.torch


def make(boxes, **options):
    chosen = of_streets(
        SampleOptions, **{'crop': (32, 64), 'scale': (1.0, 1.0), 'jitter': 0.0} | options)
    return Samples(boxes, chosen, TargetOptions(sigma=3, small_area=100))


def test_an_item_depends_on_its_number_alone(boxes):
    first, second = make(boxes), make(boxes)
    second[3]
    for name, value in first[7].items():
        assert torch.equal(value, second[7][name]), name
    assert not torch.equal(first[7]['image'], first[8]['image'])
    assert not torch.equal(first[7]['image'], first[7 + len(boxes)]['image'])


def test_an_epoch_shows_every_frame_once(boxes):
    seen = []

    class Spy(type(boxes)):
        def __getitem__(self, index):
            seen.append(index)
            return super().__getitem__(index)

    samples = make(Spy())
    for item in range(2 * len(boxes)):
        samples[item]
    assert sorted(seen[:len(boxes)]) == list(range(len(boxes)))
    assert sorted(seen[len(boxes):]) == list(range(len(boxes)))
    assert seen[:len(boxes)] != seen[len(boxes):]


@pytest.mark.parametrize('options', [{}, {'focus': 0.0}, {'focus': 1.0}])
def test_colors_of_a_crop_are_those_of_its_classes(boxes, options):
    samples = make(boxes, **options)
    for number in range(6):
        item = samples[number]
        for image, phase, semantic in zip(item['image'], item['phase'], item['semantic'],
                                          strict=True):
            y, x = phase.tolist()
            shown = image[y::4, x::4].numpy().astype(int)
            expected = boxes.label_space.colors[semantic.numpy()][..., ::-1].astype(int)
            noise = shown - expected
            assert shown.shape == (8, 16, 3)
            assert (noise >= 0).all()
            assert (noise < 30).all()


def test_a_scaled_crop_shows_more_of_the_frame(boxes):
    item = make(boxes, scale=(0.5, 0.5))[0]
    assert item['image'].shape == (2, 32, 64, 3)
    sky_and_road = {int(c) for c in item['semantic'].unique()} >= {0, 10}
    assert sky_and_road                     # the whole frame of 64x128


def test_what_a_scaled_frame_does_not_fill_is_mean_and_unlabelled(boxes):
    item = make(boxes, crop=(64, 96), scale=(0.5, 0.5))[0]        # of a frame of 64x128
    assert item['image'].shape == (2, 64, 96, 3)
    assert (item['image'][:, 32:] == torch.tensor([104, 116, 124])).all()
    assert (item['image'][:, :, 64:] == torch.tensor([104, 116, 124])).all()
    assert item['semantic'].shape == (2, 16, 24)
    assert (item['semantic'][:, :8, :16] != 255).all()
    assert (item['semantic'][:, 8:] == 255).all()
    assert (item['semantic'][:, :, 16:] == 255).all()
    assert not item['known'][:, 8:].any()


def test_a_crop_of_aligned_corners_has_a_cell_more_whatever_the_phase(boxes):
    samples = make(boxes, crop=(33, 65), crops_per_frame=20)
    item = samples[0]
    assert item['semantic'].shape == (20, 9, 17)
    for phase, semantic in zip(item['phase'].tolist(), item['semantic'], strict=True):
        assert (semantic[8] == 255).all() == (phase[0] > 0)
        assert (semantic[:, 16] == 255).all() == (phase[1] > 0)


@pytest.mark.parametrize('even', [True, False])
def test_magnifications_are_spread_evenly_or_by_their_logarithm(boxes, even):
    tall = type(boxes)(size=(1000, 32))
    item = make(tall, crop=(2000, 32), scale=(0.5, 2.0), even_scale=even, crops_per_frame=200,
                focus=0.0)[0]
    heights = (item['known'][:, :, 0].sum(1) * 4).numpy() / 1000
    assert heights.min() == pytest.approx(0.5, abs=0.1)
    assert heights.max() == pytest.approx(2.0, abs=0.1)
    assert np.median(heights) == pytest.approx(1.25 if even else 1.0, abs=0.17)


def test_half_of_the_crops_are_mirrored(boxes):
    samples = make(boxes, crop=(64, 128), crops_per_frame=40, focus=0.0)
    item = samples[0]
    order = np.random.default_rng((0, 0)).permutation(len(boxes))
    image = torch.from_numpy(boxes[int(order[0])][0])
    plain = sum(torch.equal(crop, image) for crop in item['image'])
    mirrored = sum(torch.equal(crop, image.flip(1)) for crop in item['image'])
    assert plain + mirrored == 40
    assert 8 < plain < 32


class Corner(Boxes):
    """Frames that are unlabelled but for a corner of road."""

    road = 64

    def __getitem__(self, index):
        image, labels = super().__getitem__(index)
        labels = np.full_like(labels, 65535)
        labels[:self.road, :self.road] = 0
        return image, labels


def test_crops_are_placed_on_classes_not_on_what_is_unlabelled():
    item = make(Corner((256, 512)), crops_per_frame=40, focus=1.0)[0]
    assert (item['semantic'] == 0).flatten(1).any(1).all()
    nowhere = Corner((256, 512))
    nowhere.road = 0
    assert (make(nowhere, focus=1.0)[0]['semantic'] == 255).all()


def test_jitter_changes_colors_but_not_targets(boxes):
    plain, jittered = make(boxes)[0], make(boxes, jitter=0.2)[0]
    assert not torch.equal(plain['image'], jittered['image'])
    assert all(torch.equal(plain[name], jittered[name]) for name in plain if name != 'image')


def test_another_look_leaves_the_targets(boxes):
    plain, randomised = make(boxes)[0], make(boxes, randomised=1.0)[0]
    assert not torch.equal(plain['image'], randomised['image'])
    assert torch.equal(randomised['image'], make(boxes, randomised=1.0)[0]['image'])
    some = [make(boxes, randomised=0.5)[item]['image'] for item in range(8)]
    same = sum(torch.equal(crop, before) for item, crops in enumerate(some)
               for crop, before in zip(crops, make(boxes)[item]['image'], strict=True))
    assert 0 < same < 16


def test_a_crop_is_stretched_either_way_with_its_labels(boxes):
    shapes = []
    for item in range(12):
        sample = make(boxes, stretch=2.0, crop=(96, 192), focus=0.0, crops_per_frame=1)[item]
        known = sample['known'][0].bool()
        shapes.append([int(known.any(1).sum()), int(known.any(0).sum())])
    ratios = [4 * width / (4 * height) / 2 for height, width in shapes]
    assert 0.45 < min(ratios) < 0.9
    assert 1.1 < max(ratios) < 2.2


def test_looks_of_a_crop_stand_side_by_side_with_the_same_targets(boxes):
    item = make(boxes, randomised=1.0, looks=3)[0]
    assert item['image'].shape == (6, 32, 64, 3)
    for first in (0, 3):
        for other in (first + 1, first + 2):
            assert not torch.equal(item['image'][first], item['image'][other])
            assert all(torch.equal(item[name][first], item[name][other])
                       for name in item if name != 'image')
    assert not torch.equal(item['center'][0], item['center'][3])
    plain, twice = make(boxes)[0], make(boxes, looks=2)[0]
    assert torch.equal(plain['image'][0], twice['image'][0])
    assert torch.equal(plain['image'][0], twice['image'][1])
    with pytest.raises(ValueError, match='looks is 0: expected at least 1'):
        make(boxes, looks=0)


@pytest.mark.parametrize('wrong', [{'randomised': 1.1}, {'randomised': -0.1}, {'stretch': 0.9}])
def test_shares_and_ratios_out_of_range_are_refused(boxes, wrong):
    with pytest.raises(ValueError, match='expected a share from 0 to 1 and a ratio from 1 on'):
        make(boxes, **wrong)


def test_collated_items_stand_one_after_the_other(boxes):
    samples = make(boxes)
    batch = collate([samples[0], samples[1]])
    assert batch['image'].shape == (4, 32, 64, 3)
    assert torch.equal(batch['center'][2:], samples[1]['center'])


@pytest.mark.parametrize(('options', 'message'), [
    ({'crop': (0, 64)}, 'positive'), ({'scale': (2.0, 1.0)}, 'scale is'),
    ({'crops_per_frame': 0}, 'crops_per_frame >= 1'), ({'focus': 1.5}, 'focus')])
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        of_streets(SampleOptions, **options)
