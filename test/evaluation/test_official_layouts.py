"""Data sets on disk, against the official evaluator on the same files."""

import dataset_trees
import numpy as np
import official_panoptic as official
import pytest
from label_scenes import scene_pair

from panoptic_ros.datasets import open_dataset
from panoptic_ros.evaluation import Pair, evaluate
from panoptic_ros.evaluation.coco_panoptic import CocoPanopticWriter

SIZE = (96, 160)


@pytest.fixture(autouse=True)
def _cityscapesscripts():
    pytest.importorskip(official.MODULE, reason='needs cityscapesscripts: run `make setup`, or '
                        'install requirements/test.txt', exc_type=ImportError)


@pytest.mark.parametrize('kind', ['cityscapes', 'coco'])
def test_panoptic_quality_of_a_tree_is_that_of_the_official_evaluator(tmp_path, kind):
    space = dataset_trees.CITYSCAPES if kind == 'cityscapes' else dataset_trees.COCO
    pairs = [scene_pair(seed, space, SIZE) for seed in range(12)]
    names = [f'lindau_{n:06d}_000019' if kind == 'cityscapes' else f'{n:012d}' for n in range(12)]
    frames = [(name, np.zeros((*SIZE, 3), np.uint8), truth)
              for name, (_, truth) in zip(names, pairs, strict=True)]
    if kind == 'cityscapes':
        dataset_trees.official_panoptic(dataset_trees.cityscapes_tree(tmp_path, frames))
        truth = tmp_path / 'gtFine' / 'cityscapes_panoptic_val'
    else:
        dataset_trees.coco_tree(tmp_path, frames)
        truth = tmp_path / 'annotations' / 'panoptic_val2017'
    writer = CocoPanopticWriter(tmp_path / 'prediction', space)
    for name, (prediction, _) in zip(names, pairs, strict=True):
        annotation = writer.add(name, prediction)
        annotation['image_id'] = name if kind == 'cityscapes' else int(name)
    expected = official.evaluate_files(
        f'{truth}.json', str(truth), str(writer.save()), str(writer.folder),
        str(tmp_path / 'results.json'))

    dataset = open_dataset(kind, tmp_path)
    assert list(dataset.names) == names
    total = evaluate(range(len(pairs)), space,
                     lambda index: Pair(pairs[index][0], dataset.truth(index)))
    result = total.panoptic_quality.compute()
    for group, name in ((result.all, 'All'), (result.things, 'Things'), (result.stuff, 'Stuff')):
        assert (group.pq, group.sq, group.rq) == pytest.approx(
            tuple(100 * expected[name][measure] for measure in ('pq', 'sq', 'rq')), abs=1e-6)
        assert group.classes == expected[name]['n']
    for category in space.categories:
        quality = result.per_class.get(category.name)
        assert (quality.pq if quality else 0) == pytest.approx(
            100 * expected['per_class'][category.dataset_id]['pq'], abs=1e-6)
    assert 5 < result.all.pq < 95
