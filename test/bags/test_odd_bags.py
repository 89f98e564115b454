"""What is read is what the files hold, whatever index and metadata say of them."""

import re
import shutil
import sqlite3
import struct

import numpy as np
import odd_bags
import pytest
from odd_bags import CAMERA, START, frame, frames, write_mcap, write_metadata
from recording_faults import said
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from panoptic_ros.bags import messages
from panoptic_ros.bags.frames import camera_frames, camera_topic
from panoptic_ros.bags.reader import Bag, BagError
from panoptic_ros.bags.typestore import typestore
from panoptic_ros.bags.writer import BagWriter
from panoptic_ros.messages import IMAGE


def numbers(bag):
    """Read every frame; return which they are, by their pixels."""
    return [int(read.image[0, 0, 0]) // 10 for read in camera_frames(bag, camera_topic(bag))]


@pytest.mark.parametrize(('changes', 'warning'), [
    ({}, None),
    ({'message_index': False}, None),
    ({'summary': False}, None),
    ({'chunk': None}, None),
    ({'chunk': None, 'summary': False}, None),
    ({'announced': {CAMERA: 0}}, 'announces 0 messages and 6 are in it'),
    ({'announced': {CAMERA: 9}}, 'announces 9 messages and 6 are in it'),
    ({'announced': {}, 'message_index': False}, None),
    ({'profile': ''}, None)])
def test_every_frame_whatever_the_index_says(tmp_path, changes, warning):
    with Bag(write_mcap(tmp_path / 'cam.mcap', frames(6), **changes)) as bag:
        assert camera_topic(bag).count == 6
        assert bag.start == START
        assert numbers(bag) == [0, 1, 2, 3, 4, 5]
        assert len(bag.warnings) == (warning is not None)
        if warning is not None:
            assert warning in bag.warnings[0]
            assert re.search(said('MCAP with a summary that counts wrong'), bag.warnings[0])


def test_a_chunk_that_the_index_leaves_out(tmp_path):
    """The index tells of two chunks, and so do the statistics: of four messages."""
    whole = write_mcap(tmp_path / 'whole.mcap', frames(6)).read_bytes()
    short = write_mcap(tmp_path / 'short.mcap', frames(4)).read_bytes()
    record = b'\x0f\x04\0\0\0\0\0\0\0'      # the end of the messages
    body, end = whole[:whole.index(record)], short[short.index(record):]
    shift = len(body) - short.index(record)
    at = len(end) - 28                      # the footer tells where the summary begins
    begin = int.from_bytes(end[at:at + 8], 'little') + shift
    (tmp_path / 'odd.mcap').write_bytes(body + end[:at] + begin.to_bytes(8, 'little')
                                        + end[at + 8:])
    with Bag(tmp_path / 'odd.mcap') as bag:
        assert numbers(bag) == [0, 1, 2, 3, 4, 5]
        assert 'announces 4 messages and 6 are in it' in bag.warnings[0]


def test_messages_that_the_file_does_not_hold(tmp_path):
    """Index and statistics agree on six, and a chunk holds one less."""
    file = write_mcap(tmp_path / 'cam.mcap', frames(6))
    data = bytearray(file.read_bytes())
    at = [match.start() for match in re.finditer(
        re.escape(len(frame(0).data + bytes(22)).to_bytes(8, 'little')), data)][-1] - 1
    assert data[at] == 5
    data[at] = 0x0a         # what was a message is something else
    file.write_bytes(data)
    with Bag(file) as bag, pytest.raises(BagError, match=f'5 of 6 messages of {CAMERA} are in it'):
        numbers(bag)


def test_metadata_without_the_qos_of_the_file(tmp_path):
    write_mcap(tmp_path / 'bag' / 'cam.mcap', frames(6))
    with Bag(write_metadata(tmp_path / 'bag', {CAMERA: 6})) as bag:
        assert numbers(bag) == [0, 1, 2, 3, 4, 5]
        assert bag.warnings == []


def test_sqlite_without_the_qos_of_the_metadata(tmp_path):
    write_sqlite(tmp_path / 'bag', frames(6))
    (tmp_path / 'bag' / 'metadata.yaml').unlink()
    with Bag(write_metadata(tmp_path / 'bag', {CAMERA: 6}, storage_identifier='sqlite3')) as bag:
        assert numbers(bag) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_metadata_that_count_nothing(tmp_path, storage):
    if storage == 'mcap':
        write_mcap(tmp_path / 'bag' / 'cam.mcap', frames(6))
    else:
        write_sqlite(tmp_path / 'bag', frames(6))
        (tmp_path / 'bag' / 'metadata.yaml').unlink()
    with Bag(write_metadata(tmp_path / 'bag', {CAMERA: 0}, storage_identifier=storage)) as bag:
        assert bag.start == START
        assert camera_topic(bag).count == 6
        assert 'announces 0 messages of /cam/image_raw and its files hold 6' in bag.warnings[0]
        assert re.search(said('metadata.yaml that counts wrong'), bag.warnings[0])
        assert numbers(bag) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize('identifier', ['', 'my_own_storage', None])
def test_the_files_tell_which_storage_they_are(tmp_path, identifier):
    write_mcap(tmp_path / 'bag' / 'cam.mcap', frames(6))
    with Bag(write_metadata(tmp_path / 'bag', {CAMERA: 6}, storage_identifier=identifier)) as bag:
        assert numbers(bag) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('with_metadata', [True, False])
def test_files_that_overlap_are_read_in_order_of_time(tmp_path, storage, with_metadata):
    for place, stored in enumerate(((0, 1, 2, 4), (3, 5, 6, 7))):
        name = f'split_{place}'
        if storage == 'mcap':
            write_mcap(tmp_path / 'bag' / f'{name}.mcap', [frame(n) for n in stored])
        else:
            write_sqlite(tmp_path / name, [frame(n) for n in stored])
            (tmp_path / 'bag').mkdir(exist_ok=True)
            shutil.move(tmp_path / name / f'{name}.db3', tmp_path / 'bag')
    if with_metadata:
        write_metadata(tmp_path / 'bag', {CAMERA: 8}, storage_identifier=storage)
    with Bag(tmp_path / 'bag') as bag:
        assert numbers(bag) == list(range(8))
        assert [warning for warning in bag.warnings if not re.search(
            said('folder without metadata.yaml'), warning)] == []
        assert len(bag.warnings) == (not with_metadata)


def test_messages_out_of_order_within_chunks_and_between_them(tmp_path):
    stored = [frame(number) for number in (3, 0, 5, 1, 4, 2)]
    for chunk in (2, None):
        with Bag(write_mcap(tmp_path / f'{chunk}.mcap', stored, chunk=chunk)) as bag:
            assert numbers(bag) == list(range(6))


@pytest.mark.parametrize('chunk', [2, None])
def test_a_cut_off_file_says_how_much_is_whole(tmp_path, chunk):
    file = write_mcap(tmp_path / 'cam.mcap', frames(6), chunk=chunk, end=False)
    with pytest.raises(BagError, match='it has no end; 6 whole messages are in it'):
        Bag(file)
    with pytest.raises(BagError, match=said('file that was cut off')):
        Bag(file)
    data = file.read_bytes()
    file.write_bytes(data[:-100])
    whole = 4 if chunk else 5
    with pytest.raises(BagError, match=rf'breaks off at byte \d+ of \d+; {whole} whole messages'):
        Bag(file)
    with Bag(file, salvage=True) as bag:
        assert numbers(bag) == list(range(whole))
        assert f'{whole} whole messages' in bag.warnings[0]


def test_damage_in_the_middle_says_how_much_was_read(tmp_path):
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
    with Bag(tmp_path / 'bag') as bag:
        for words in ('1 of 3 messages were read', said('damage in the middle of a file')):
            with pytest.raises(BagError, match=words):
                list(bag.messages())


def test_a_chunk_that_is_not_what_its_check_sum_says(tmp_path):
    file = write_mcap(tmp_path / 'cam.mcap', frames(6))
    data = bytearray(file.read_bytes())
    first = data.index(b'\x06', data.index(b'/cam/image_raw'))
    data[first + 33:first + 37] = b'1234'
    file.write_bytes(data)
    with Bag(file) as bag, pytest.raises(BagError, match=r'check sum.*0 of 6 messages were read'):
        list(bag.messages())


def test_rows_that_wait_beside_a_database(tmp_path):
    write_sqlite(tmp_path / 'bag', frames(2))
    (tmp_path / 'bag' / 'bag.db3-wal').write_bytes(b'x' * 100)
    with pytest.raises(BagError, match=r'messages wait in bag\.db3-wal.*wal_checkpoint'):
        Bag(tmp_path / 'bag')


def test_a_database_of_any_name(tmp_path):
    """The name becomes part of a URI, in which some letters mean something else."""
    write_sqlite(tmp_path / 'bag', frames(2))
    (tmp_path / 'bag').rename(tmp_path / 'rain?20%25 #2')
    with Bag(tmp_path / 'rain?20%25 #2') as bag:
        assert numbers(bag) == [0, 1]


def test_a_database_is_counted_by_its_rows(tmp_path):
    write_sqlite(tmp_path / 'bag', frames(6))
    with sqlite3.connect(tmp_path / 'bag' / 'bag.db3') as database:
        database.execute('DELETE FROM messages WHERE id > 4')
    database.close()
    with Bag(tmp_path / 'bag') as bag:
        assert numbers(bag) == [0, 1, 2, 3]
        assert 'announces 6 messages of /cam/image_raw and its files hold 4' in bag.warnings[0]


def test_metadata_that_are_damaged(tmp_path):
    write_mcap(tmp_path / 'bag' / 'cam.mcap', frames(6))
    (tmp_path / 'bag' / 'metadata.yaml').write_text('rosbag2_bagfile_information: [')
    with Bag(tmp_path / 'bag') as bag:
        assert numbers(bag) == [0, 1, 2, 3, 4, 5]
        assert 'metadata.yaml that is damaged' in bag.warnings[0]


@pytest.mark.parametrize(('make', 'reason'), [
    (lambda folder: (folder / 'drive.bag').write_bytes(b'#ROSBAG V2.0\n'),
     said('bag of ROS 1') + r', `rosbags-convert --src \S+drive\.bag --dst \S+drive`'),
    (lambda folder: (folder / 'drive.mcap').write_text(
        'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'),
     'drive.mcap is a pointer of git LFS, not the file itself: fetch it'),
    (lambda folder: write_mcap(folder / 'drive.mcap', frames(2), 'ros1', 'ros1', 'ros1msg'),
     r'holds messages of ROS 1 \(profile ros1\): convert'),
    (lambda folder: write_mcap(folder / 'drive.mcap', frames(2), '', 'protobuf', 'protobuf'),
     said('MCAP of something else than ROS')),
    (lambda folder: write_mcap(folder / 'drive.mcap', frames(2), '', 'json', 'jsonschema'),
     'in json: expected messages of ROS 2')])
def test_recordings_of_something_else(tmp_path, make, reason):
    make(tmp_path)
    with pytest.raises(BagError, match=reason):
        Bag(next(tmp_path.iterdir()))


def test_folders_that_are_no_bag(tmp_path):
    (tmp_path / 'old').mkdir()
    (tmp_path / 'old' / 'drive.bag').write_bytes(b'#ROSBAG V2.0\n')
    with pytest.raises(BagError, match='holds bags of ROS 1: convert it'):
        Bag(tmp_path / 'old')
    for name in ('morning', 'evening'):
        write_mcap(tmp_path / 'many' / f'{name}.mcap', frames(1))
    with pytest.raises(BagError, match=r'holds 2 recordings \(evening.mcap.*: name one of them'):
        Bag(tmp_path / 'many')
    write_metadata(tmp_path / 'many', {CAMERA: 2})
    (tmp_path / 'many' / 'evening.mcap').unlink()
    with pytest.raises(BagError, match=r'lacks evening\.mcap, which its metadata\.yaml names'):
        Bag(tmp_path / 'many')


def test_what_is_foreign_in_a_bag_of_ros_2_is_left_out(tmp_path):
    write_mcap(tmp_path / 'bag' / 'bag_0.mcap', frames(2))
    write_mcap(tmp_path / 'bag' / 'bag_1.mcap', [frame(0, topic='/radar')], '', 'protobuf',
               'protobuf')
    with Bag(write_metadata(tmp_path / 'bag', {CAMERA: 2})) as bag:
        assert [topic.name for topic in bag.topics] == [CAMERA]
        assert '/radar is sensor_msgs/msg/Image in protobuf' in bag.warnings[0]
        with pytest.raises(BagError, match=r'/radar in \S+ is \S+ in protobuf'):
            bag.topic('/radar')


@pytest.mark.parametrize(('stored', 'reason'), [
    ([odd_bags.Message(START, b'\0\1\0\0\6\0\0\0abcde\0', '/words', 'std_msgs/msg/String')],
     r'has no topic of images: there are /words \(std_msgs/msg/String, 1\)'),
    ([frame(0, topic='/depth', encoding='16UC1', pixels=np.zeros((4, 4), np.uint16))],
     said('bag without a camera')),
    ([frame(0, topic='/left'), frame(0, topic='/right')], '2 camera topics: name one')])
def test_why_there_is_no_camera(tmp_path, stored, reason):
    with Bag(write_mcap(tmp_path / 'a.mcap', stored)) as bag, pytest.raises(BagError,
                                                                            match=reason):
        camera_topic(bag)


def test_no_frame_is_never_success(tmp_path):
    write_mcap(tmp_path / 'bag' / 'bag.mcap', [frame(0, topic='/other')])
    write_metadata(tmp_path / 'bag', {CAMERA: 6, '/other': 1})
    with Bag(tmp_path / 'bag') as bag, pytest.raises(
            BagError, match=said('camera topic without a message')):
        list(camera_frames(bag, camera_topic(bag, CAMERA)))


@pytest.mark.parametrize('compression', [CompressionMode.FILE, CompressionMode.MESSAGE])
@pytest.mark.parametrize('storage', StoragePlugin)
def test_compressed_files_and_messages(tmp_path, compression, storage):
    write_sqlite(tmp_path / 'bag', frames(3), compression, storage)
    with Bag(tmp_path / 'bag') as bag:
        assert numbers(bag) == [0, 1, 2]
        assert bag.warnings == []
    if compression == CompressionMode.FILE:
        file = next((tmp_path / 'bag').glob('*.zstd'))
        file.write_bytes(file.read_bytes()[:100])
        with pytest.raises(BagError, match=r'bag cannot be unpacked .*zstd -d'):
            Bag(tmp_path / 'bag')
    else:       # the messages of a file alone tell that they are compressed
        with Bag(next(file for file in (tmp_path / 'bag').iterdir()
                      if file.suffix in ('.db3', '.mcap'))) as bag:
            assert numbers(bag) == [0, 1, 2]


def write_sqlite(path, stored, compression=CompressionMode.NONE, storage=StoragePlugin.SQLITE3):
    writer = Writer(path, version=8, storage_plugin=storage)
    writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection(CAMERA, IMAGE, typestore=typestore())
        for message in stored:
            writer.write(connection, message.time, message.data)



@pytest.mark.parametrize('changes', [{}, {'message_index': False}, {'chunk': None}])
def test_no_byte_can_make_messages_vanish_in_silence(tmp_path, changes):
    """Every byte but those of the pixels is another: all are read, or something is said."""
    file = write_mcap(tmp_path / 'cam.mcap', frames(3), **changes)
    whole = file.read_bytes()
    said_so = 0
    for at, byte in enumerate(whole):
        if len(set(whole[max(0, at - 40):at + 40])) == 1:
            continue            # pixels
        file.write_bytes(whole[:at] + bytes([byte ^ 0xff]) + whole[at + 1:])
        try:
            with Bag(file) as bag:
                read = list(bag.messages())
            assert len(read) == 3 or bag.warnings, at
        except BagError:
            said_so += 1
    assert said_so > 100


def test_a_summary_that_does_not_repeat_the_schemas(tmp_path):
    """``noRepeatedSchemas`` of rosbag2_storage_mcap; ``repeat_schemas=False`` of Python's."""
    file = write_mcap(tmp_path / 'cam.mcap', frames(6))
    data = file.read_bytes()
    end = odd_bags._record(15, struct.pack('<I', 0))
    at = data.index(end) + len(end)
    assert data[at] == 3        # a schema
    file.write_bytes(data[:at] + data[at + 9 + struct.unpack_from('<Q', data, at + 1)[0]:])
    with Bag(file) as bag:
        assert len(list(camera_frames(bag, camera_topic(bag)))) == 6
        assert bag.warnings == []


@pytest.mark.slow
@pytest.mark.parametrize('text', ['[' * 5000, 'a: {b: ' * 3000])
def test_metadata_that_are_nested_without_end(tmp_path, text):
    write_mcap(tmp_path / 'bag' / 'cam.mcap', frames(2))
    (tmp_path / 'bag/metadata.yaml').write_text(text)
    with Bag(tmp_path / 'bag') as bag:
        assert 'has a metadata.yaml that is damaged' in bag.warnings[0]
        assert bag.topic(CAMERA).count == 2
