"""A model of masks on its whole way, from its file to labels, bags and figures."""

import json
from dataclasses import replace

import broken_models
import cv2
import engines
import numpy as np
import onnx
import pytest
import tiny_model
import tiny_queries

from panoptic_ros import LabelSpace, Segmenter, overlay
from panoptic_ros.bags import messages
from panoptic_ros.bags.reader import Bag
from panoptic_ros.bags.writer import BagWriter
from panoptic_ros.cli import evaluate, segment
from panoptic_ros.engine.fitting import fit
from panoptic_ros.evaluation import Evaluation
from panoptic_ros.families import masks
from panoptic_ros.labels import UNLABELED, UNLABELED_CLASS
from panoptic_ros.messages import IMAGE
from panoptic_ros.pictures import label_pictures
from panoptic_ros.segmenter import Setup
from panoptic_ros.tensors import OutputError

SPACE = LabelSpace.load('cityscapes')
GRAY = (104, 116, 124)


@pytest.fixture(scope='module')
def queries_onnx(tmp_path_factory):
    return tiny_queries.build(tmp_path_factory.mktemp('masks') / 'tiny.onnx')


@pytest.fixture(scope='module')
def segmenter(queries_onnx):
    return Segmenter.open(queries_onnx, 'cpu')


SCENE = tiny_model.scene()
WHITE = np.full_like(SCENE, 255)


def padded(path):
    """Write the network so that it asks for padding."""
    model = onnx.load(tiny_queries.build(path))
    metadata = replace(engines.load(path).metadata, fit='pad', padding=GRAY)
    onnx.helper.set_model_props(model, metadata.to_properties())
    onnx.save(model, path)
    return path


def names(panoptic):
    return [SPACE.names[class_id] for class_id in panoptic.segments.class_id]


def class_at(y, x):
    return SPACE.names[np.abs(SPACE.colors[:, ::-1] - SCENE[y, x].astype(int)).sum(-1).argmin()]


def test_the_file_becomes_labels_scores_and_drawings(segmenter):
    found = segmenter(SCENE, confidence=True)
    found.check()
    classes = found.semantic()
    for y, x in ((5, 5), (5, 120), (60, 5), (60, 120), (28, 30), (28, 90), (26, 64)):
        assert SPACE.names[classes[y, x]] == class_at(y, x)
    assert (classes != UNLABELED_CLASS).mean() > 0.7
    assert sorted(names(found)) == ['car', 'car', 'person', 'road', 'sky']
    assert found.segments.score.min() > 0.8
    assert ((found.confidence == 0) == (found.labels == UNLABELED)).all()
    assert np.median(found.confidence[found.labels != UNLABELED]) > 240
    assert overlay.draw(SCENE, found).shape == SCENE.shape
    # two queries have sky, and each car has its own
    assert found.labels[5, 5] == found.labels[5, 120]
    assert found.instances()[28, [30, 90]].tolist() == [1, 2]


def test_things_count_in_the_order_of_the_queries_not_of_their_size(segmenter):
    image = SCENE.copy()
    image[8:48, 80:112] = SCENE[28, 90]
    things = segmenter(image).things
    cars = things[things.class_id == SPACE.names.index('car')]
    assert cars.instance.tolist() == [2, 1]
    assert cars.area[0] > cars.area[1]


@pytest.mark.parametrize('size', [(96, 96), (50, 300), (270, 480), (300, 100)])
def test_padding_is_cut_off_as_the_rule_does(tmp_path, size):
    path = padded(tmp_path / 'padding.onnx')
    image, metadata = tiny_model.scene(size), engines.load(path).metadata
    fitted = fit(image, metadata.input_size, metadata.padding)
    outputs = {name: tensor[0] for name, tensor in engines.load(path)(fitted[None]).items()}
    queries = masks.queries_of(outputs, metadata, size)
    assert queries.image_size != metadata.input_size
    expected = masks.decode(queries, SPACE, size, 'reference', confidence=True)
    for method in ('cpu', 'reference'):
        found = Segmenter.open(path, 'cpu', setup=Setup(method=method))(image, confidence=True)
        np.testing.assert_array_equal(found.labels, expected.labels)
        assert np.abs(found.confidence.astype(int) - expected.confidence).max() <= 1
    assert {'road', 'sky'} <= set(names(expected))


@pytest.mark.parametrize('output', ['classes', 'masks'])
@pytest.mark.parametrize('added', [np.nan, np.inf])
def test_a_network_of_nan_is_not_an_empty_street(tmp_path, output, added):
    model = broken_models.build(tmp_path / 'broken.onnx', [0] * 255 + [added], tiny_queries,
                                output)
    segmenter = Segmenter.open(model, 'cpu')
    assert len(segmenter(SCENE).things) == 3
    poisoned = broken_models.poisoned(SCENE)
    if output == 'masks' and added == np.inf:       # a mask of ones is a mask
        assert len(segmenter(poisoned).segments) > 0
    else:
        with pytest.raises(OutputError, match='the network gives NaN or one number everywhere'):
            segmenter(poisoned)
    cv2.imwrite(str(tmp_path / 'a.png'), poisoned)
    if added != np.inf:
        with pytest.raises(OutputError, match=r'a\.png: no (query|mask) has a .*: the network'):
            label_pictures(segmenter, [tmp_path / 'a.png'], tmp_path / 'out')


def test_an_image_of_nothing_is_no_fault(segmenter):
    """White is no class here: queries are sure of their classes, and none has a pixel."""
    found = segmenter(WHITE, confidence=True)
    assert len(found.segments) == 0
    assert found.confidence.max() == 0
    assert (found.labels == UNLABELED).all()
    no_object = np.zeros((3, 20), np.float32)
    no_object[:, -1] = 9
    masks.FAMILY.check(found, {'classes': no_object})       # nobody looks at the masks then


def test_a_bag_is_labelled_and_things_keep_their_numbers(queries_onnx, segmenter, tmp_path):
    """The car of the second query is the first car of a frame without the other one."""
    alone = SCENE.copy()
    alone[:, 8:56] = SCENE[:, :1]
    frames = [SCENE] * 3 + [alone] * 3
    with BagWriter(tmp_path / 'drive') as writer:
        writer.add_topic('/front', IMAGE)
        for number, frame in enumerate(frames):
            time = (number + 1) * 10**8
            writer.write('/front', time, messages.image(
                frame, 'bgr8', messages.header(time, 'front')))
    report = tmp_path / 'report.json'
    segment.main([str(tmp_path / 'drive'), '-o', str(tmp_path / 'out'), '--model',
                  str(queries_onnx), '--masks.object-threshold', '0.7', '--json', str(report)])
    data = json.loads(report.read_text())
    assert (data['frames'], list(data['stage_ms'])) == (6, ['resize', 'network', 'grouping'])
    with Bag(tmp_path / 'out') as bag:
        found = [bag.decode(record).data.view(np.uint16).reshape(64, 128)
                 for record in bag.messages(['/panoptic_node/panoptic'])]
    car = 1000 * SPACE.names.index('car')
    assert [labels[28, 90] - car for labels in found] == [2] * 6
    assert segmenter(alone).labels[28, 90] - car == 1
    np.testing.assert_array_equal(found[0], segmenter(SCENE).labels)


def test_figures_of_labels(queries_onnx, segmenter, tmp_path):
    truth, images = tmp_path / 'truth', tmp_path / 'images'
    truth.mkdir()
    images.mkdir()
    cv2.imwrite(str(images / 'a.png'), SCENE)
    segment.main([str(images), '-o', str(tmp_path / 'out'), '--model', str(queries_onnx)])
    (tmp_path / 'out' / 'a_overlay.jpg').unlink()
    right = np.full((64, 128), 1000 * SPACE.names.index('sky'), np.uint16)
    right[32:] = 1000 * SPACE.names.index('road')
    right[24:48, 16:48] = 1000 * SPACE.names.index('car') + 1
    cv2.imwrite(str(truth / 'a_panoptic.png'), right)
    report = tmp_path / 'report.json'
    evaluate.main(['--predictions', str(tmp_path / 'out'), '--truth', str(truth), '--workers',
                   '1', '--json', str(report)])
    expected = Evaluation(SPACE)
    expected.update(segmenter(SCENE).labels, right)
    measured = json.loads(report.read_text())
    for key, value in expected.to_dict().items():
        assert measured[key] == value
    assert 50 < measured['panoptic_quality']['stuff']['pq'] < 100


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--flip'], 'a network is of the family masks: expected deeplab, whose heads can be '
     'averaged'),
    (['--deeplab.top-k', '5'], '--deeplab.top-k is an option of the family deeplab, and the '
     'model is of the family masks'),
    (['--masks.pixel-threshold', '1.5'], 'pixel_threshold is 1.5: expected 0 to 1')])
def test_what_a_model_of_masks_is_refused(queries_onnx, capsys, arguments, message):
    with pytest.raises(SystemExit):
        evaluate.main(['--streets', '1', '--size', '64x128', '--model', str(queries_onnx),
                       *arguments])
    assert message in capsys.readouterr().err
