"""PQ and mIoU against the evaluators of Cityscapes and torchmetrics, run side by side."""

from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import official_panoptic as official
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.evaluation import MeanIoU, PanopticQuality

SPACE = LabelSpace.load('cityscapes')
TRUTH = (0, 8000, 11000, 11001, 11002, 13000, 13001, UNLABELED)
PREDICTION = (0, 8000, 11001, 11002, 13001, 13007, UNLABELED)
SIZES = array_shapes(min_dims=2, max_dims=2, max_side=7)


@pytest.fixture(scope='module', autouse=True)
def _cityscapesscripts():
    pytest.importorskip(official.MODULE, reason='needs cityscapesscripts: run `make setup`, or '
                        'install requirements/test.txt', exc_type=ImportError)


def ours(pairs, space=SPACE):
    quality = PanopticQuality(space)
    for prediction, truth in pairs:
        quality.update(prediction, truth)
    return quality.compute()


@pytest.mark.parametrize(('name', 'crowd'), [
    ('cityscapes', True), ('cityscapes', False), ('kitti-step', True), ('kitti-360', True)])
def test_equal_to_the_cityscapes_evaluator_on_files(tmp_path, name, crowd):
    space = LabelSpace.load(name)
    pairs = [scene_pair(seed, space, crowd=crowd) for seed in range(20)]
    truths = np.stack([truth for _, truth in pairs])
    assert (truths == UNLABELED).any()
    assert np.isin(truths, np.array(space.thing_ids) * 1000).any() == crowd

    expected = official.evaluate(pairs, space, tmp_path)
    result = ours(pairs, space)
    for group, title in ((result.all, 'All'), (result.things, 'Things'), (result.stuff, 'Stuff')):
        for measure in ('pq', 'sq', 'rq'):
            assert getattr(group, measure) == pytest.approx(100 * expected[title][measure],
                                                            abs=1e-6)
        assert group.classes == expected[title]['n']
    assert 5 < result.all.pq < 95
    for category in space.categories:
        quality = result.per_class.get(category.name)
        theirs = expected['per_class'][category.dataset_id]
        for measure in ('pq', 'sq', 'rq'):
            assert (getattr(quality, measure) if quality else 0) == pytest.approx(
                100 * theirs[measure], abs=1e-6)


@settings(max_examples=examples(300))
@given(st.data())
def test_counts_are_the_cityscapes_evaluators_on_any_labels(data):
    size = data.draw(SIZES)
    truth = data.draw(arrays(np.uint16, size, elements=st.sampled_from(TRUTH)))
    prediction = data.draw(arrays(np.uint16, size, elements=st.sampled_from(PREDICTION)))
    with TemporaryDirectory() as folder:
        expected = official.count(prediction, truth, SPACE, Path(folder))
    counts = {name: (q.tp, q.fp, q.fn, q.iou_sum)
              for name, q in ours([(prediction, truth)]).per_class.items()}
    assert counts.keys() == expected.keys()
    for name, (tp, fp, fn, iou) in expected.items():
        assert counts[name] == (tp, fp, fn, pytest.approx(iou, abs=1e-9))


def test_mean_iou_is_that_of_the_cityscapes_evaluator(tmp_path, monkeypatch):
    pixels = import_module('cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling')
    monkeypatch.setattr(pixels.args, 'evalInstLevelScore', False)
    confusion = pixels.generateMatrix(pixels.args)
    measure = MeanIoU(SPACE)
    dataset_ids = np.zeros(256, np.uint8)       # 0 is the data set's 'unlabeled'
    dataset_ids[:len(SPACE)] = [c.dataset_id for c in SPACE.categories]
    for seed in range(10):
        pair = scene_pair(seed, SPACE)
        paths = [str(tmp_path / f'{name}_{seed}.png') for name in ('prediction', 'truth')]
        for path, labels in zip(paths, pair, strict=True):
            cv2.imwrite(path, dataset_ids[SPACE.semantic(labels)])
        pixels.evaluatePair(*paths, confusion, {}, {}, pixels.args)
        measure.update(*pair)
    result = measure.compute()
    expected = {c.name: pixels.getIouScoreForLabel(c.dataset_id, confusion, pixels.args)
                for c in SPACE.categories}
    expected = {name: 100 * iou for name, iou in expected.items() if not np.isnan(iou)}
    assert dict(result.per_class) == pytest.approx(expected, abs=1e-9)
    assert result.mean == pytest.approx(np.mean(list(expected.values())), abs=1e-9)
    assert 5 < result.mean < 95


@pytest.mark.torch
def test_equal_to_torchmetrics_where_nothing_is_predicted_void():
    reason = 'needs torch and torchmetrics: run `make setup`, or install requirements/train.txt'
    torch = pytest.importorskip('torch', reason=reason)
    detection = pytest.importorskip('torchmetrics.detection', reason=reason)
    theirs = detection.PanopticQuality(
        things=set(SPACE.thing_ids), stuffs=set(SPACE.stuff_ids), return_sq_and_rq=True)
    per_class = detection.PanopticQuality(
        things=set(SPACE.thing_ids), stuffs=set(SPACE.stuff_ids), return_sq_and_rq=True,
        return_per_class=True)
    pairs = [scene_pair(seed, SPACE, (48, 64), crowd=False, predicted_void=False)
             for seed in range(8)]
    for pair in pairs:
        prediction, truth = (torch.from_numpy(np.stack(
            [SPACE.semantic(labels), SPACE.instances(labels)], -1).astype(np.int64))[None]
            for labels in pair)
        theirs.update(prediction, truth)
        per_class.update(prediction, truth)
    result = ours(pairs)
    assert fractions(result.all) == pytest.approx(theirs.compute().tolist(), abs=1e-6)
    order = [theirs.cat_id_to_continuous_id[i] for i in range(len(SPACE))]
    for name, row in zip(SPACE.names, per_class.compute()[order].tolist(), strict=True):
        quality = result.per_class.get(name)
        assert (fractions(quality) if quality else [0, 0, 0]) == pytest.approx(row, abs=1e-6)


def fractions(quality):
    return [quality.pq / 100, quality.sq / 100, quality.rq / 100]     # theirs are float32
