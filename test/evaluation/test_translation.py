"""Predictions of Cityscapes' classes where the truth tells less apart, and whole data sets so."""

import dataset_trees
import numpy as np
import pytest

from panoptic_ros import UNLABELED, LabelSpace, Panoptic
from panoptic_ros.datasets import open_dataset
from panoptic_ros.evaluation import (
    AveragePrecision,
    Evaluation,
    MeanIoU,
    PanopticQuality,
    VideoPanopticQuality,
)
from panoptic_ros.evaluation.translation import losses, translation

CITYSCAPES, STEP, KITTI_360 = (
    LabelSpace.load(name) for name in ('cityscapes', 'kitti-step', 'kitti-360'))
SIDE = 12       # of the square of each class
NAME = {'cityscapes': 'ulm_000000_000019', 'kitti-step': '0002/000000',
        'kitti-360': '2013_05_28_drive_0000_sync/0000000250', 'coco': '000000000139'}


def every_class(space, false=False):
    """Return a row of squares, one for each class; with ``false``, a spot of each on the road."""
    labels = np.repeat(np.arange(len(space)) * space.label_divisor + space.is_thing, SIDE)
    labels = np.tile(labels.astype(np.uint16), (2 * SIDE, 1))
    labels[SIDE:] = space.stuff_ids[0] * space.label_divisor
    if false:
        for place, class_id in enumerate(space.thing_ids):
            labels[-2:, 3 * place:3 * place + 2] = class_id * space.label_divisor + 2
    return labels


def dataset_of(kind, folder):
    """Return a data set of one frame that has every class of the data set."""
    labels = every_class(LabelSpace.load(kind))
    frame = NAME[kind], np.zeros((*labels.shape, 3), np.uint8), labels
    tree = getattr(dataset_trees, f'{kind.replace("-", "_")}_tree')
    return open_dataset(kind, tree(folder, [frame]))


@pytest.mark.parametrize('kind', sorted(NAME))
def test_no_class_of_a_data_set_is_out_of_reach(kind, tmp_path):
    """Every class is found, whatever is predicted falsely: none enters a mean with 0."""
    dataset = dataset_of(kind, tmp_path)
    space = LabelSpace.load('coco' if kind == 'coco' else 'cityscapes')
    for false in (False, True):
        labels = every_class(dataset.label_space, false)
        known = np.full(UNLABELED + 1, UNLABELED, np.uint16)    # in the words of the model
        for class_id, name in enumerate(dataset.label_space.names):
            number = np.arange(3)
            old = space.names.index(name)
            known[class_id * space.label_divisor + number] = old * space.label_divisor + np.where(
                space.is_thing[old], np.maximum(number, 1), 0)
        predicted = known[labels]
        if false:
            spots = every_class(space, false)
            is_spot = spots % space.label_divisor == 2
            spots, is_spot = (image[:, :labels.shape[1]] for image in (spots, is_spot))
            predicted[is_spot] = spots[is_spot]
        total = Evaluation(dataset.label_space)
        total.update(Panoptic.from_labels(predicted, space), dataset.truth(0))
        quality = total.panoptic_quality.compute()
        assert quality.per_class.keys() == set(dataset.label_space.names)
        assert {q.tp for q in quality.per_class.values()} == {1}
        assert not total.crowd_alone()
        if false:
            assert 50 < quality.all.pq < 100
        else:
            assert quality.all.pq == quality.things.pq == quality.stuff.pq == 100
            assert total.mean_iou.compute().mean == 100
            assert total.average_precision.compute().mean.ap == 100


def test_a_small_false_truck_costs_kitti_step_its_pixels_alone(tmp_path):
    dataset = dataset_of('kitti-step', tmp_path)
    predicted = every_class(CITYSCAPES)
    predicted[-2:, :2] = 14002
    quality = PanopticQuality(STEP).update(Panoptic.from_labels(predicted, CITYSCAPES),
                                           dataset.truth(0)).compute()
    road, truck = SIDE * SIDE * (len(STEP) + 1), SIDE * SIDE
    assert quality.per_class['truck'].pq == pytest.approx(100 * truck / (truck + 4))
    assert quality.per_class['road'].pq == pytest.approx(100 * (road - 4) / road)
    assert quality.all.pq == pytest.approx(
        (17 * 100 + quality.per_class['truck'].pq + quality.per_class['road'].pq) / 19)
    assert quality.things.pq == 100


def test_things_of_what_is_stuff_there_become_one_segment():
    labels = np.array([[14001, 14001, 14002, 13001, 13002, 0, 0, 0]], np.uint16)
    truth = np.array([[14000, 14000, 14000, 13005, 13005, 0, UNLABELED, UNLABELED]], np.uint16)
    quality = PanopticQuality(STEP).update(Panoptic.from_labels(labels, CITYSCAPES), truth)
    counts = {name: (q.tp, q.fp, q.fn) for name, q in quality.compute().per_class.items()}
    assert counts == {'road': (1, 0, 0), 'car': (0, 2, 1), 'truck': (1, 0, 0)}


def test_classes_that_the_truth_lacks_are_unlabelled_predictions():
    labels = np.array([[15001, 16001, 17001, 18001]], np.uint16)       # bus, train, two wheels
    truth = np.array([[0, 14001, 15001, 16001]], np.uint16)            # road, truck, two wheels
    quality = PanopticQuality(KITTI_360).update(Panoptic.from_labels(labels, CITYSCAPES), truth)
    counts = {name: (q.tp, q.fp, q.fn) for name, q in quality.compute().per_class.items()}
    assert counts == {'road': (0, 0, 1), 'truck': (0, 0, 1), 'motorcycle': (1, 0, 0),
                      'bicycle': (1, 0, 0)}


def test_every_measure_translates():
    labels, truth = every_class(CITYSCAPES), every_class(STEP)
    predicted = Panoptic.from_labels(labels, CITYSCAPES)
    assert MeanIoU(STEP).update(predicted, truth).compute().mean == 100
    assert list(AveragePrecision(STEP).update(predicted, truth).compute().per_class) == [
        'person', 'car']
    video = VideoPanopticQuality(STEP)
    for _ in range(4):
        video.update(predicted, truth)
    assert video.compute().mean() == 100


@pytest.mark.parametrize(('target', 'said'), [
    (STEP, 'rider, truck, bus, train, motorcycle, bicycle as stuff'),
    (KITTI_360, 'bus, train as unlabelled'), (CITYSCAPES, '')])
def test_what_is_lost_is_said(target, said):
    assert losses(CITYSCAPES, target) == said


def test_one_label_space_is_left_as_it_is():
    table = translation(CITYSCAPES, CITYSCAPES)
    known = len(CITYSCAPES) * 1000
    is_label = CITYSCAPES.is_thing[np.arange(known) // 1000] | (np.arange(known) % 1000 == 0)
    assert (table[:known][is_label] == np.flatnonzero(is_label)).all()
    assert (table[known:] == UNLABELED).all()


@pytest.mark.parametrize(('source', 'target', 'message'), [
    (STEP, CITYSCAPES, "'rider' is stuff in label space 'kitti-step', and in 'citysc"),
    (KITTI_360, CITYSCAPES, "'kitti-360' does not say what 'cityscapes' tells apart: exp"),
    (LabelSpace.load('coco'), CITYSCAPES, "'coco' does not say what 'cityscapes' tells apart"),
    (LabelSpace('backwards', 1000, CITYSCAPES.categories[::-1]), CITYSCAPES, 'in its order'),
    (LabelSpace('fine', 3000, CITYSCAPES.categories), CITYSCAPES, 'its label_divisor, 1000')])
def test_classes_that_could_never_be_found_are_an_error(source, target, message):
    labels = np.full((2, 2), 1 * source.label_divisor, np.uint16)
    with pytest.raises(ValueError, match=message):
        PanopticQuality(target).update(
            Panoptic.from_labels(labels + source.is_thing[1], source), np.zeros((2, 2), np.uint16))


def test_a_truth_of_another_label_space_is_an_error():
    truth = Panoptic.from_labels(every_class(STEP), STEP)
    with pytest.raises(ValueError, match="truth has label space 'kitti-step': expected 'cityscap"):
        PanopticQuality(CITYSCAPES).update(every_class(CITYSCAPES), truth)
