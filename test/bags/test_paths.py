"""What a bag may take the place of."""

import pytest
from odd_bags import frames, write_mcap

from panoptic_ros.bags.paths import check_replaceable
from panoptic_ros.bags.reader import BagError
from panoptic_ros.bags.writer import BagWriter


def test_a_folder_of_recordings_is_not_replaced(tmp_path):
    for name in ('monday', 'tuesday'):
        write_mcap(tmp_path / f'{name}.mcap', frames(1))
    with pytest.raises(BagError, match='holds several recordings'):
        check_replaceable(tmp_path, overwrite=True)


def test_a_folder_of_bags_is_not_replaced(tmp_path):
    (tmp_path / 'trip.mcap').mkdir()
    with pytest.raises(BagError, match=r'is no bag \(it is or holds trip.mcap\)'):
        check_replaceable(tmp_path, overwrite=True)


def test_parts_of_one_bag_are_replaced(tmp_path):
    for name in ('bag_0', 'bag_1'):
        write_mcap(tmp_path / f'{name}.mcap', frames(1))
    check_replaceable(tmp_path, overwrite=True)


def test_a_bag_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / 'out').mkdir()
    monkeypatch.chdir(tmp_path / 'out')
    with BagWriter('.', overwrite=True) as writer:
        writer.add_topic('/a', 'std_msgs/msg/Empty')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['out']
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == [
        'metadata.yaml', 'out.mcap']
