import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from panoptic_ros.bags.reader import Bag, BagError
from panoptic_ros.bags.typestore import VISION_MSGS, typestore
from panoptic_ros.bags.writer import BagWriter
from panoptic_ros.messages import DETECTIONS


def test_an_existing_bag_is_kept_unless_told_otherwise(drive, tmp_path):
    copy = shutil.copytree(drive, tmp_path / 'bag')
    with pytest.raises(BagError, match='exists'):
        BagWriter(copy)
    with BagWriter(copy, overwrite=True):
        pass
    with Bag(copy) as bag:
        assert bag.topics == ()
        assert list(bag.messages()) == []


def test_only_bags_are_overwritten(tmp_path):
    (tmp_path / 'thesis.txt').write_text('precious')
    with pytest.raises(BagError, match=r'no bag .*thesis.txt'):
        BagWriter(tmp_path, overwrite=True)
    assert (tmp_path / 'thesis.txt').read_text() == 'precious'


def test_an_interrupted_recording_says_so_and_can_be_read(tmp_path):
    def record():
        with BagWriter(tmp_path / 'bag') as writer:
            writer.add_topic('/a', 'std_msgs/msg/String')
            writer.write('/a', 1, b'\0\1\0\0\1\0\0\0\0')
            writer.write('/b', 2, b'')

    with pytest.raises(KeyError, match='/b'):
        record()
    with pytest.raises(BagError, match=r'cut off.*bag\.partial.*reindex'):
        Bag(tmp_path / 'bag')
    with Bag(tmp_path / 'bag.partial') as bag:
        assert [record.time for record in bag.messages()] == [1]
        assert bag.warnings == []
    with pytest.raises(BagError, match=r'bag\.partial exists'):
        BagWriter(tmp_path / 'bag')
    with BagWriter(tmp_path / 'bag', overwrite=True):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ['bag']


def test_a_recorder_that_is_killed_leaves_no_metadata(tmp_path):
    writer = BagWriter(tmp_path / 'bag')
    writer.add_topic('/a', 'std_msgs/msg/String')
    with pytest.raises(BagError, match=r'bag\.mcap is cut off or damaged.*reindex'):
        Bag(writer.partial)
    writer.close()
    with Bag(tmp_path / 'bag') as bag:
        assert bag.start == 0


def test_unknown_types_are_refused(tmp_path):
    with BagWriter(tmp_path / 'bag') as writer, pytest.raises(LookupError, match='no_such_msgs'):
        writer.add_topic('/a', 'no_such_msgs/msg/Thing')


def test_definitions_travel_with_the_bag(tmp_path):
    with BagWriter(tmp_path / 'bag') as writer:
        writer.add_topic('/objects', DETECTIONS)
    text = next((tmp_path / 'bag').glob('*.mcap')).read_bytes()
    index = text[text.rindex(b'MSG: vision_msgs/BoundingBox2D'):]
    assert b'float64 size_x' in index


@pytest.mark.parametrize('name', VISION_MSGS)
def test_embedded_definitions_are_those_installed(name):
    module = pytest.importorskip('vision_msgs.msg')
    fields = getattr(module, name).get_fields_and_field_types()
    _, defined = typestore().fielddefs[f'vision_msgs/msg/{name}']
    assert [field for field, _ in defined] == list(fields)
    assert typestore().hash_rihs01(f'vision_msgs/msg/{name}') == _installed_hash(name)


def _installed_hash(name: str) -> str:
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    file = next(path for prefix in prefixes
                if (path := Path(prefix, 'share/vision_msgs/msg', f'{name}.json')).is_file())
    hashes = json.loads(file.read_text())['type_hashes']
    return next(h['hash_string'] for h in hashes if h['type_name'] == f'vision_msgs/msg/{name}')


def test_types_of_other_packages_are_learned_where_they_are_installed(tmp_path, monkeypatch):
    messages_of = tmp_path / 'share' / 'my_msgs' / 'msg'
    messages_of.mkdir(parents=True)
    (messages_of / 'Wheel.msg').write_text('float32 speed\n')
    (messages_of / 'Car.msg').write_text('std_msgs/Header header\nWheel[4] wheels\n')
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    with BagWriter(tmp_path / 'bag') as writer:
        writer.add_topic('/car', 'my_msgs/msg/Car')
    text = next((tmp_path / 'bag').glob('*.mcap')).read_bytes()
    assert b'Wheel[4] wheels' in text
    assert b'float32 speed' in text
