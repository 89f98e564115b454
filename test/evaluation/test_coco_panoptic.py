import json

import cv2
import numpy as np
import pytest

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.evaluation.coco_panoptic import CocoPanopticWriter

SPACE = LabelSpace.load('cityscapes')


def test_png_and_json_say_what_the_labels_say(tmp_path):
    labels = np.array([[0, 0, 0, 13001], [11000, 18999, UNLABELED, 13001]], np.uint16)
    writer = CocoPanopticWriter(tmp_path / 'truth', SPACE)
    writer.add('bonn_000001', labels)
    writer.add('bonn_000002', labels[:, :1])
    data = json.loads(writer.save().read_text())
    assert [image['id'] for image in data['images']] == ['bonn_000001', 'bonn_000002']
    annotation = data['annotations'][0]
    rgb = cv2.imread(str(tmp_path / 'truth' / annotation['file_name']))[..., ::-1].astype(int)
    identifier = rgb @ [1, 256, 65536]
    np.testing.assert_array_equal(identifier, [[1, 1, 1, 13002], [11001, 19000, 0, 13002]])
    assert {s['id']: (s['category_id'], s['area'], s['iscrowd'])
            for s in annotation['segments_info']} == {
        1: (7, 3, 0), 13002: (26, 2, 0), 11001: (24, 1, 1), 19000: (33, 1, 0)}
    assert {c['id']: c['name'] for c in data['categories']}[26] == 'car'
    assert sum(c['isthing'] for c in data['categories']) == 8


def test_other_arrays_are_refused(tmp_path):
    with pytest.raises(ValueError, match='labels is int64'):
        CocoPanopticWriter(tmp_path, SPACE).add('x', np.zeros((2, 2), np.int64))
