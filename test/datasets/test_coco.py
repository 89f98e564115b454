import json

import cv2
import numpy as np
import pytest

from panoptic_ros import LabelSpace
from panoptic_ros.datasets import CocoPanoptic

JSON = 'annotations/panoptic_val2017.json'
BOOK = LabelSpace.load('coco').names.index('book') * 256


def edit(root, change):
    """Change the annotation of the first image."""
    path = root / JSON
    data = json.loads(path.read_text())
    change(data['annotations'][0])
    path.write_text(json.dumps(data))


def test_the_classes_are_eighty_things_then_stuff_by_their_ids():
    space = LabelSpace.load('coco')
    ids = [category.dataset_id for category in space.categories]
    assert space.thing_ids == tuple(range(80))
    assert len(space) == 133
    assert ids == sorted(ids)
    assert (space.names[0], space.names[79], space.names[80], space.names[132]) == (
        'person', 'toothbrush', 'banner', 'rug-merged')
    assert [ids[space.names.index(name)] for name in ('stop sign', 'road', 'wall-other-merged')
            ] == [13, 149, 199]


def test_the_order_of_annotations_in_the_file_is_of_no_matter(tree):
    root = tree('coco')
    expected = [labels for _, labels in CocoPanoptic(root)]
    data = json.loads((root / JSON).read_text())
    data['annotations'].reverse()
    for annotation in data['annotations']:
        annotation['segments_info'].reverse()
    (root / JSON).write_text(json.dumps(data))
    for got, labels in zip(CocoPanoptic(root), expected, strict=True):
        np.testing.assert_array_equal(got[1], labels)


def test_a_segment_that_the_json_file_lacks_is_named(tree):
    root = tree('coco')
    lost = []
    edit(root, lambda annotation: lost.append(annotation['segments_info'].pop()['id']))
    with pytest.raises(ValueError, match=f'disagree on image 000000000139: 1 segments are only '
                                         f'in the PNG, the first of them {lost[0]}'):
        CocoPanoptic(root).truth(0)


def test_a_segment_that_the_png_lacks_is_named(tree):
    root = tree('coco')
    edit(root, lambda annotation: annotation['segments_info'].append(
        {'id': 12, 'category_id': 1, 'iscrowd': 0}))
    with pytest.raises(ValueError, match=f'1 segments are only in {root / JSON}, .* them 12'):
        CocoPanoptic(root).truth(0)


def test_a_foreign_category_is_an_error(tree):
    root = tree('coco')
    edit(root, lambda annotation: annotation['segments_info'][0].update(category_id=12))
    with pytest.raises(ValueError, match='of category 12, which is none of the 133'):
        CocoPanoptic(root).truth(0)


def write_books(root, crowd):
    """Make the first image a row of books, one for each pixel, some of them crowd."""
    ids = np.arange(1, len(crowd) + 1)
    cv2.imwrite(str(root / 'annotations/panoptic_val2017/000000000139.png'),
                np.stack([ids * 0, ids // 256, ids % 256], -1).astype(np.uint8)[None])
    edit(root, lambda annotation: annotation.update(segments_info=[
        {'id': i, 'category_id': 84, 'iscrowd': is_crowd}
        for i, is_crowd in zip(ids.tolist(), crowd, strict=True)]))


def test_crowd_takes_no_number(tree):
    root = tree('coco')
    write_books(root, [0, 1, 0, 1, 0])
    assert CocoPanoptic(root).truth(0)[0].tolist() == [BOOK + i for i in (1, 0, 2, 0, 3)]


def test_more_instances_than_labels_can_tell_apart_are_an_error(tree):
    root = tree('coco')
    write_books(root, [0] * 255)
    assert CocoPanoptic(root).truth(0)[0].tolist() == [BOOK + i for i in range(1, 256)]
    write_books(root, [0] * 256)
    with pytest.raises(ValueError, match=r"'book' has the instance number 256: .* only 255"):
        CocoPanoptic(root).truth(0)


@pytest.mark.parametrize(('text', 'expected'), [
    ('{"annotations": [{"segments_info": [{"id"', 'is it truncated'),
    ('{"images": []}', 'not of the COCO panoptic format'),
    ('[]', 'not of the COCO panoptic format'),
    ('{"annotations": [{"bbox": [], "category_id": 1, "id": 2, "iscrowd": 0}]}', 'not of the'),
    ('{"annotations": [{"segments_info": [{"id": 1, "category_id": 2}]}]}', 'not of the'),
    ('{"annotations": [{"file_name": "a.png", "segments_info": [{"id": 3}]}]}', 'not of the')])
def test_another_json_file_is_refused(tree, text, expected):
    root = tree('coco')
    (root / JSON).write_text(text)
    with pytest.raises(ValueError, match=f'{root / JSON} is .*{expected}'):
        CocoPanoptic(root)
