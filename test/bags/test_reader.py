import shutil

import cv2
import numpy as np
import pytest
from drive_bag import FRAMES, PERIOD, START, picture
from rosbags.rosbag2 import StoragePlugin, Writer

from panoptic_ros.bags import messages
from panoptic_ros.bags.frames import camera_frames, camera_topic
from panoptic_ros.bags.reader import Bag, BagError
from panoptic_ros.bags.typestore import typestore
from panoptic_ros.bags.writer import BagWriter
from panoptic_ros.messages import COMPRESSED_IMAGE, IMAGE


def test_topics_and_times(drive):
    with Bag(drive) as bag:
        assert [(t.name, t.type, t.count) for t in bag.topics] == [
            ('/camera/image_raw', IMAGE, FRAMES), ('/camera/labels', IMAGE, FRAMES),
            ('/camera/model', 'std_msgs/msg/String', 1)]
        assert [t.latched for t in bag.topics] == [False, False, True]
        assert bag.start == START


def test_every_frame_in_order(drive):
    with Bag(drive) as bag:
        frames = list(camera_frames(bag, camera_topic(bag)))
    assert [f.record.time for f in frames] == [START + n * PERIOD for n in range(FRAMES)]
    assert [f.stamp for f in frames] == [f.record.time - 5_000_000 for f in frames]
    assert {f.header.frame_id for f in frames} == {'camera_optical'}
    for number, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.image, picture(number))


def test_a_single_file_is_a_bag_too(drive):
    with Bag(next(drive.glob('*.mcap'))) as bag:
        assert sum(1 for _ in bag.messages()) == 2 * FRAMES + 1


@pytest.mark.parametrize('as_folder', [True, False])
def test_sqlite(tmp_path, as_folder):
    with Writer(tmp_path / 'bag', version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        connection = writer.add_connection('/front', IMAGE, typestore=typestore())
        for number in (2, 0, 1):        # written out of order
            writer.write(connection, number, typestore().serialize_cdr(messages.image(
                picture(number)[..., ::-1], 'rgb8', messages.header(number, '')), IMAGE))
    path = tmp_path / 'bag' if as_folder else next((tmp_path / 'bag').glob('*.db3'))
    with Bag(path) as bag:
        frames = list(camera_frames(bag, camera_topic(bag)))
    assert [f.stamp for f in frames] == [0, 1, 2]
    np.testing.assert_array_equal(frames[1].image, picture(1))


def test_compressed_camera(tmp_path):
    data = cv2.imencode('.png', picture(3))[1].ravel()
    message = messages.new(COMPRESSED_IMAGE, header=messages.header(0, ''), data=data,
                           format='bgr8; png compressed bgr8')
    with BagWriter(tmp_path / 'bag') as writer:
        writer.add_topic('/front/compressed', COMPRESSED_IMAGE)
        writer.write('/front/compressed', 1, message)
    with Bag(tmp_path / 'bag') as bag:
        frame, = camera_frames(bag, camera_topic(bag))
    np.testing.assert_array_equal(frame.image, picture(3))


def test_an_unusable_frame_is_named(tmp_path):
    with BagWriter(tmp_path / 'bag') as writer:
        writer.add_topic('/depth', IMAGE)
        writer.write('/depth', 1, messages.image(np.zeros((4, 4), np.uint16), '16UC1',
                                                 messages.header(0, '')))
    with Bag(tmp_path / 'bag') as bag, pytest.raises(BagError, match=r'frame 0 of /depth.*16UC1'):
        list(camera_frames(bag, bag.topic('/depth')))


def test_unknown_topic_names_those_that_exist(drive):
    with Bag(drive) as bag:
        with pytest.raises(BagError, match=r'no topic /nope.*/camera/image_raw .*Image, 12'):
            bag.topic('/nope')
        with pytest.raises(BagError, match=r'/camera/model .* is std_msgs/msg/String: expected'):
            camera_topic(bag, '/camera/model')


def test_two_cameras_must_be_told_apart(tmp_path):
    with BagWriter(tmp_path / 'bag') as writer:
        for name in ('/left', '/right'):
            writer.add_topic(name, IMAGE)
            writer.write(name, 1, messages.image(picture(0), 'bgr8', messages.header(0, '')))
    with Bag(tmp_path / 'bag') as bag, pytest.raises(BagError, match='2 camera topics: name one'):
        camera_topic(bag)


@pytest.mark.parametrize(('make', 'reason'), [
    (lambda path: None, 'no bag at'),
    (lambda path: path.mkdir(), 'no metadata.yaml'),
    (lambda path: path.write_text('hello'), 'is not a bag'),
])
def test_what_is_no_bag(tmp_path, make, reason):
    make(tmp_path / 'thing')
    with pytest.raises(BagError, match=reason):
        Bag(tmp_path / 'thing')


@pytest.mark.parametrize('suffix', ['.mcap', '.db3'])
def test_a_text_file_called_a_bag(tmp_path, suffix):
    (tmp_path / f'thing{suffix}').write_text('hello')
    with pytest.raises(BagError, match='damaged'):
        Bag(tmp_path / f'thing{suffix}')


@pytest.mark.parametrize('share', [0.0, 0.001, 0.5, 0.99])
def test_a_cut_off_bag(drive, tmp_path, share):
    copy = shutil.copytree(drive, tmp_path / 'cut')
    file = next(copy.glob('*.mcap'))
    file.write_bytes(file.read_bytes()[:int(share * file.stat().st_size)])
    with pytest.raises(BagError, match='cut off or damaged'):
        Bag(copy)


def test_damage_in_the_middle(tmp_path):
    with BagWriter(tmp_path / 'bag') as writer:
        writer.add_topic('/front', IMAGE)
        for number in range(3):         # over a megabyte: each is a chunk of its own
            pixels = np.random.default_rng(number).integers(0, 255, (700, 700, 3), np.uint8)
            writer.write('/front', number, messages.image(pixels, 'bgr8',
                                                          messages.header(number, '')))
    file = next((tmp_path / 'bag').glob('*.mcap'))
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle:middle + 200_000] = bytes(200_000)
    file.write_bytes(data)
    read = []
    with Bag(tmp_path / 'bag') as bag, pytest.raises(BagError, match='cut off or damaged'):
        read.extend(bag.messages())
    assert len(read) <= 1
