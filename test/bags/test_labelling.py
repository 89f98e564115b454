import json

import numpy as np
import pytest
import tiny_model
from odd_bags import CAMERA, PERIOD, START, frame, frames, write_mcap, write_metadata

from panoptic_ros import Segmenter
from panoptic_ros.bags import messages
from panoptic_ros.bags.frames import stamp_of
from panoptic_ros.bags.labelling import Labelling
from panoptic_ros.bags.mcap_records import CHUNK, MAGIC, MESSAGE, MESSAGE_HEAD, chunk, records
from panoptic_ros.bags.reader import Bag, BagError
from panoptic_ros.bags.writer import BagWriter
from panoptic_ros.cli import segment
from panoptic_ros.messages import IMAGE


def street(number: int) -> np.ndarray:
    """Two cars and a person that move to the right, as the tiny model can read them."""
    return np.roll(tiny_model.scene(), 4 * number, axis=1)


@pytest.fixture
def recording(tmp_path):
    with BagWriter(tmp_path / 'recording') as writer:
        writer.add_topic('/front', IMAGE)
        for number in range(5):
            writer.write('/front', 1000 + number, messages.image(
                street(number), 'bgr8', messages.header(number, 'front')))
    return tmp_path / 'recording'


def test_every_frame_of_a_bag_is_labelled(recording, tmp_path, tiny_onnx):
    out = tmp_path / 'labelled'
    segment.main([str(recording), '-o', str(out), '--model', str(tiny_onnx), '--overlay',
                  '--prefix', '/cam', '--json', str(tmp_path / 'report.json')])
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['frames'] == 5
    segmenter = Segmenter.open(tiny_onnx)
    with Bag(out) as bag:
        assert {t.name: t.count for t in bag.topics} == {
            '/cam/panoptic': 5, '/cam/objects': 5, '/cam/label_info': 1, '/front': 5,
            '/cam/overlay/compressed': 5}
        assert bag.topic('/cam/label_info').latched
        assert next(bag.messages()).topic.name == '/cam/label_info' or bag.start == 1000
        for number, record in enumerate(bag.messages(['/cam/panoptic'])):
            message = bag.decode(record)
            labels = message.data.view(np.uint16).reshape(message.height, message.width)
            expected = segmenter(street(number))
            np.testing.assert_array_equal(labels, expected.labels)
            assert (message.encoding, stamp_of(message.header)) == ('16UC1', number)
            assert message.header.frame_id == 'front'
        things = [bag.decode(record).detections for record in bag.messages(['/cam/objects'])]
    for seen in things:
        assert sorted(d.results[0].hypothesis.class_id for d in seen) == ['car', 'car', 'person']
    moved = np.diff([d.bbox.center.position.x for seen in things for d in seen
                     if d.results[0].hypothesis.class_id == 'person'])
    np.testing.assert_allclose(moved, 4)


@pytest.mark.parametrize(('arguments', 'number'), [([], 2), (['--without-tracking'], 1)])
def test_things_keep_their_numbers(tmp_path, tiny_onnx, arguments, number):
    """The left one of two cars leaves within half a second, by the stamps of the images."""
    alone = tiny_model.scene()
    alone[:, 8:50] = alone[:, :1]
    with BagWriter(tmp_path / 'recording') as writer:
        writer.add_topic('/front', IMAGE)
        for index, scene in enumerate((tiny_model.scene(), alone)):
            writer.write('/front', 10**10 * (index + 1), messages.image(
                scene, 'bgr8', messages.header(10**18 + 5 * 10**8 * index, 'front')))
    segment.main([str(tmp_path / 'recording'), '-o', str(tmp_path / 'out'), '--model',
                  str(tiny_onnx), *arguments])
    with Bag(tmp_path / 'out') as bag:
        last = [bag.decode(record) for record in bag.messages(['/panoptic_node/objects'])][-1]
    assert [d.id for d in last.detections if d.results[0].hypothesis.class_id == 'car'] == [
        str(13000 + number)]


@pytest.mark.parametrize(('arguments', 'reason'), [
    (['RECORDING', '--topic', '/rear'], 'no topic /rear'),
    (['RECORDING', '--model', 'none.onnx'], 'no model file none.onnx: give the path'),
])
def test_what_cannot_be_done_ends_with_a_reason(recording, tmp_path, tiny_onnx, arguments, reason):
    words = [str(recording) if word == 'RECORDING' else word for word in arguments]
    if '--model' not in words:
        words += ['--model', str(tiny_onnx)]
    with pytest.raises(SystemExit, match=reason):
        segment.main([*words, '-o', str(tmp_path / 'out')])


def test_an_output_that_is_there_is_not_overwritten(recording, tiny_onnx):
    with pytest.raises(SystemExit, match='exists'):
        segment.main([str(recording), '-o', str(recording), '--model', str(tiny_onnx)])
    with Bag(recording) as bag:
        assert bag.topic('/front').count == 5


def test_files_that_overlap_are_labelled_and_written_in_order_of_time(tmp_path, tiny_onnx, capsys):
    """The bag has no metadata either, and is a bag for all that."""
    for place, stored in enumerate(((0, 1, 2, 4), (3, 5, 6, 7))):
        write_mcap(tmp_path / 'split' / f'split_{place}.mcap', [frame(n) for n in stored])
    segment.main([str(tmp_path / 'split'), '-o', str(tmp_path / 'out'), '--model',
                  str(tiny_onnx)])
    assert 'has no metadata.yaml' in capsys.readouterr().err
    times = []
    data = memoryview((tmp_path / 'out' / 'out.mcap').read_bytes())[len(MAGIC):-len(MAGIC)]
    for kind, content in records(data):
        if kind == CHUNK:
            times += [MESSAGE_HEAD.unpack_from(part)[2] for inner, part in records(chunk(content))
                      if inner == MESSAGE]
    assert times == sorted(times)
    assert times.count(START + 3 * PERIOD) == 3


@pytest.mark.parametrize(('make', 'reason'), [
    (lambda folder: (folder / 'old.bag').write_bytes(b'#ROSBAG V2.0'), 'bag of ROS 1: convert it'),
    (lambda folder: write_mcap(folder / 'a.mcap', [frame(0)], 'ros1'), 'messages of ROS 1'),
    (lambda folder: write_mcap(folder / 'a.mcap', [frame(
        0, encoding='16UC1', pixels=np.zeros((4, 4), np.uint16))]), '/cam/image_raw: .*16UC1'),
    (lambda folder: write_mcap(folder / 'a.mcap', frames(6), announced={CAMERA: 0}, end=False),
     'no end; 6 whole messages are in it')])
@pytest.mark.parametrize('as_folder', [False, True])
def test_every_refusal_names_the_cause(tmp_path, tiny_onnx, make, reason, as_folder):
    folder = tmp_path / 'input'
    folder.mkdir()
    make(folder)
    source = folder if as_folder else next(folder.iterdir())
    with pytest.raises(SystemExit, match=f'^segment: .*{reason.replace("bag of", "bags? of")}'):
        segment.main([str(source), '-o', str(tmp_path / 'out'), '--model', str(tiny_onnx)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ['input']


def test_images_have_a_limit_in_bags_too(recording, tmp_path, tiny_onnx):
    with pytest.raises(SystemExit, match=r'^segment: frame 0 of /front .*at most 100 pixels'):
        segment.main([str(recording), '-o', str(tmp_path / 'out'), '--model', str(tiny_onnx),
                      '--max-pixels', '100'])


def test_no_frame_of_the_camera_is_a_failure(tmp_path, tiny_onnx):
    write_mcap(tmp_path / 'bag' / 'bag.mcap', [frame(0, topic='/other')])
    write_metadata(tmp_path / 'bag', {CAMERA: 6, '/other': 1})
    with pytest.raises(SystemExit, match=f'^segment: 0 frames of {CAMERA} in'):
        segment.main([str(tmp_path / 'bag'), '-o', str(tmp_path / 'out'), '--topic', CAMERA,
                      '--model', str(tiny_onnx)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ['bag']


@pytest.mark.parametrize('prefix', ['x y', '/x/', 'x', '/1'])
def test_a_prefix_of_no_topic(prefix):
    with pytest.raises(BagError, match='expected the beginning of topics'):
        Labelling(prefix=prefix)


@pytest.mark.parametrize('name', ['panoptic', 'overlay/compressed', 'label_info'])
def test_a_camera_among_the_results(name):
    with pytest.raises(BagError, match='is a topic of the results as well'):
        Labelling().topics(f'/panoptic_node/{name}', 'sensor_msgs/msg/Image')
