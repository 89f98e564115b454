"""Samples are crops whose image and targets belong together."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='samples are tensors of PyTorch')

from panoptic_ros.network.samples import SampleOptions, Samples, collate  # noqa: E402
from panoptic_ros.network.targets import TargetOptions  # noqa: E402


def make(boxes, **options):
    chosen = SampleOptions(**{'crop': (32, 64), 'scale': (1.0, 1.0), 'jitter': 0.0} | options)
    return Samples(boxes, boxes.label_space, chosen, TargetOptions(sigma=3, small_area=100))


def test_an_item_depends_on_its_number_alone(boxes):
    first, second = make(boxes), make(boxes)
    second[3]
    for name, value in first[7].items():
        assert torch.equal(value, second[7][name]), name
    assert not torch.equal(first[7]['image'], first[8]['image'])
    assert not torch.equal(first[7]['image'], first[7 + len(boxes)]['image'])


def test_an_epoch_shows_every_frame_once(boxes):
    seen = []

    class Spy:
        def __len__(self):
            return len(boxes)

        def __getitem__(self, index):
            seen.append(index)
            return boxes[index]

    samples = Samples(Spy(), boxes.label_space, SampleOptions(crop=(32, 64)), TargetOptions())
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


def test_a_scale_too_small_for_the_frame_is_raised(boxes):
    assert make(boxes, scale=(0.1, 0.1))[0]['image'].shape == (2, 32, 64, 3)


def test_half_of_the_crops_are_mirrored(boxes):
    samples = make(boxes, crop=(64, 128), crops_per_frame=40, focus=0.0)
    item = samples[0]
    order = np.random.default_rng((0, 0)).permutation(len(boxes))
    image = torch.from_numpy(boxes[int(order[0])][0])
    plain = sum(torch.equal(crop, image) for crop in item['image'])
    mirrored = sum(torch.equal(crop, image.flip(1)) for crop in item['image'])
    assert plain + mirrored == 40
    assert 8 < plain < 32


def test_jitter_changes_colors_but_not_targets(boxes):
    plain, jittered = make(boxes)[0], make(boxes, jitter=0.2)[0]
    assert not torch.equal(plain['image'], jittered['image'])
    assert all(torch.equal(plain[name], jittered[name]) for name in plain if name != 'image')


def test_collated_items_stand_one_after_the_other(boxes):
    samples = make(boxes)
    batch = collate([samples[0], samples[1]])
    assert batch['image'].shape == (4, 32, 64, 3)
    assert torch.equal(batch['center'][2:], samples[1]['center'])


@pytest.mark.parametrize(('options', 'message'), [
    ({'crop': (100, 64)}, 'multiples of 32'), ({'scale': (2.0, 1.0)}, 'scale is'),
    ({'crops_per_frame': 0}, 'crops_per_frame >= 1'), ({'focus': 1.5}, 'focus')])
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SampleOptions(**options)
