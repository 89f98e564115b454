"""A model of detections on its whole way, from its file to labels, bags and figures."""

import json

import broken_models
import cv2
import engines
import numpy as np
import pytest
import tiny_detections
import tiny_model

from panoptic_ros import LabelSpace, Segmenter, overlay
from panoptic_ros.bags import messages
from panoptic_ros.bags.reader import Bag
from panoptic_ros.bags.writer import BagWriter
from panoptic_ros.cli import evaluate, segment
from panoptic_ros.engine.fitting import fit
from panoptic_ros.families import fpn
from panoptic_ros.labels import UNLABELED
from panoptic_ros.messages import IMAGE
from panoptic_ros.pictures import label_pictures
from panoptic_ros.segmenter import Setup
from panoptic_ros.tensors import OutputError

SPACE = LabelSpace.load('cityscapes')
GRAY = (104, 116, 124)
SCENE = tiny_model.scene()
CAR = 1000 * SPACE.names.index('car')


@pytest.fixture(scope='module')
def detections_onnx(tmp_path_factory):
    return tiny_detections.build(tmp_path_factory.mktemp('fpn') / 'tiny.onnx')


@pytest.fixture(scope='module')
def segmenter(detections_onnx):
    return Segmenter.open(detections_onnx, 'cpu')


def names(panoptic):
    return [SPACE.names[class_id] for class_id in panoptic.segments.class_id]


def test_the_file_becomes_labels_scores_and_drawings(segmenter):
    assert segmenter.options == fpn.Options(stuff_area=tiny_detections.STUFF_AREA)
    found = segmenter(SCENE, confidence=True)
    found.check()
    assert sorted(names(found)) == ['car', 'car', 'person', 'road', 'sky']
    things = found.things
    assert things.area.tolist() == [752, 752, 172]      # without the dots
    cells = np.array([47, 47, 22])                      # the middle shows twice as many
    np.testing.assert_allclose(things.score, cells / (cells + 4), rtol=1e-3)
    assert found.labels[28, [20, 100]].tolist() == [CAR + 1, CAR + 2]
    assert (found.labels != UNLABELED).mean() > 0.9
    assert ((found.confidence == 0) == (found.labels == UNLABELED)).all()
    assert (found.confidence[found.labels == CAR + 1] == round(255 * 47 / 51)).all()
    assert overlay.draw(SCENE, found).shape == SCENE.shape


def test_things_count_in_the_order_of_their_scores_not_of_their_places(segmenter):
    image = SCENE.copy()
    image[8:48, 80:112] = SCENE[28, 90]
    assert segmenter(image).labels[28, [20, 100]].tolist() == [CAR + 2, CAR + 1]


@pytest.mark.parametrize('size', [(96, 96), (270, 480), (50, 300)])
def test_padding_is_cut_off_as_the_rule_does(tmp_path, size):
    path = tiny_detections.build(tmp_path / 'padding.onnx', padding=GRAY)
    image, metadata = tiny_model.scene(size), engines.load(path).metadata
    fitted = fit(image, metadata.input_size, metadata.padding)
    outputs = {name: tensor[0] for name, tensor in engines.load(path)(fitted[None]).items()}
    detections = fpn.detections_of(outputs, metadata, size)
    options = fpn.Options(stuff_area=tiny_detections.STUFF_AREA)
    expected = fpn.decode(detections, SPACE, size, 'reference', options)
    for method in ('cpu', 'reference'):
        found = Segmenter.open(path, 'cpu', setup=Setup(method=method))(image)
        np.testing.assert_array_equal(found.labels, expected.labels)
    assert {'road', 'sky'} <= set(names(expected))


@pytest.mark.parametrize(('output', 'what'), [
    ('semantic', 'no pixel has a class of stuff'), ('scores', 'no detection has a score'),
    ('masks', 'no detection has a score')])
def test_a_network_of_nan_is_no_street(tmp_path, output, what):
    model = broken_models.build(tmp_path / 'broken.onnx', [0] * 255 + [np.nan], tiny_detections,
                                output)
    segmenter = Segmenter.open(model, 'cpu')
    assert len(segmenter(SCENE).things) == 3
    poisoned = broken_models.poisoned(SCENE)
    with pytest.raises(OutputError, match=f'{what}.*the network gives NaN or one number'):
        segmenter(poisoned)
    cv2.imwrite(str(tmp_path / 'a.png'), poisoned)
    with pytest.raises(OutputError, match=rf'a\.png: {what}'):
        label_pictures(segmenter, [tmp_path / 'a.png'], tmp_path / 'out')


def test_a_street_without_things_is_no_fault(segmenter):
    empty = SCENE.copy()
    empty[:, :] = SCENE[:, :1]
    found = segmenter(empty)
    assert len(found.things) == 0
    assert {'sky', 'road'} <= set(names(found))


def test_a_bag_is_labelled_and_things_keep_their_numbers(detections_onnx, segmenter, tmp_path):
    """The second car is the first one of a frame without the other."""
    alone = SCENE.copy()
    alone[:, 8:56] = SCENE[:, :1]
    with BagWriter(tmp_path / 'drive') as writer:
        writer.add_topic('/front', IMAGE)
        for number, frame in enumerate([SCENE] * 3 + [alone] * 3):
            time = (number + 1) * 10**8
            writer.write('/front', time, messages.image(
                frame, 'bgr8', messages.header(time, 'front')))
    report = tmp_path / 'report.json'
    segment.main([str(tmp_path / 'drive'), '-o', str(tmp_path / 'out'), '--model',
                  str(detections_onnx), '--fpn.score-threshold', '0.6', '--json', str(report)])
    assert json.loads(report.read_text())['frames'] == 6
    with Bag(tmp_path / 'out') as bag:
        found = [bag.decode(record).data.view(np.uint16).reshape(64, 128)
                 for record in bag.messages(['/panoptic_node/panoptic'])]
    assert [labels[28, 90] - CAR for labels in found] == [2] * 6
    assert segmenter(alone).labels[28, 90] - CAR == 1
    np.testing.assert_array_equal(found[0], segmenter(SCENE).labels)


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--flip'], 'a network is of the family fpn: expected deeplab, whose heads can be averaged'),
    (['--masks.pixel-threshold', '0.5'], '--masks.pixel-threshold is an option of the family '
     'masks, and the model is of the family fpn'),
    (['--fpn.overlap-threshold', '1.5'], 'overlap_threshold is 1.5: expected 0 to 1')])
def test_what_a_model_of_detections_is_refused(detections_onnx, capsys, arguments, message):
    with pytest.raises(SystemExit):
        evaluate.main(['--streets', '1', '--size', '64x128', '--model', str(detections_onnx),
                       *arguments])
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_streets_are_evaluated(detections_onnx, tmp_path):
    report = tmp_path / 'report.json'
    evaluate.main(['--streets', '1', '--size', '64x128', '--model', str(detections_onnx),
                   '--fpn.stuff-area', '0', '--json', str(report)])
    measured = json.loads(report.read_text())
    assert 0 <= measured['panoptic_quality']['all']['pq'] <= 100
