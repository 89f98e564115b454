"""Replay and recording over DDS, each in a process of its own."""

import json
import re
import struct
import subprocess
import sys
import time

import pytest
from drive_bag import FRAMES, PERIOD, START
from odd_bags import Message, write_mcap, write_metadata
from recording_faults import said

from panoptic_ros.bags.reader import Bag, BagError
from panoptic_ros.bags.writer import BagWriter
from panoptic_ros.demo.domain import private_domain
from panoptic_ros.messages import IMAGE

rclpy = pytest.importorskip('rclpy')
from spinning import spinning  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def domain(monkeypatch):
    """A DDS domain of this test's own."""
    with private_domain() as number:
        monkeypatch.setenv('ROS_DOMAIN_ID', str(number))
        monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        yield number


@pytest.fixture
def node(domain):
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node('listener', context=context)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    with spinning(executor):
        yield node
    executor.shutdown()
    node.destroy_node()
    context.try_shutdown()


def replay(*arguments):
    command = [sys.executable, '-m', 'panoptic_ros.cli.replay', *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_replay_is_recorded_byte_for_byte_and_in_time(node, drive, tmp_path):
    from panoptic_ros.bags.recorder import Recorded, Recorder
    topics = [Recorded('/front', IMAGE), Recorded('/camera/labels', IMAGE),
              Recorded('/camera/model', 'std_msgs/msg/String', latched=True)]
    with BagWriter(tmp_path / 'copy') as writer:
        recorder = Recorder(node, writer, topics, time.time_ns)
        process = replay(drive, '--remap', '/camera/image_raw:=/front', '--wait-for',
                         '/camera/image_raw', '/camera/labels', '/camera/model',
                         '--json', tmp_path / 'report.json')
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        _until(lambda: recorder.counts['/front'].received == FRAMES)
        recorder.close()
    with Bag(drive) as source, Bag(tmp_path / 'copy') as copy:
        for name, new in (('/camera/image_raw', '/front'), ('/camera/labels', '/camera/labels'),
                          ('/camera/model', '/camera/model')):
            theirs = [record.data for record in copy.messages([new])]
            ours = [record.data for record in source.messages([name])]
            # DDS fills up to a multiple of four bytes
            assert [data + bytes(-len(data) % 4) for data in ours] == theirs, name
        times = [record.time for record in copy.messages(['/front'])]
    expected = (FRAMES - 1) * PERIOD / 1e9
    assert (times[-1] - times[0]) / 1e9 == pytest.approx(expected, abs=0.3)
    lateness = json.loads((tmp_path / 'report.json').read_text())['lateness_ms']
    assert lateness['messages'] == 2 * FRAMES + 1


def test_rate_and_clock(node, drive):
    from rosgraph_msgs.msg import Clock
    from sensor_msgs.msg import Image
    ticks, received = [], []
    node.create_subscription(Image, '/camera/labels', received.append, 50)
    node.create_subscription(Clock, '/clock', ticks.append, 100)
    start = time.monotonic()
    process = replay(drive, '--clock', '--rate', '0.5', '--topics', '/camera/labels')
    assert process.wait(timeout=60) == 0
    assert time.monotonic() - start >= 2 * (FRAMES - 1) * PERIOD / 1e9
    _until(lambda: len(ticks) > 10)
    stamps = [tick.clock.sec * 10**9 + tick.clock.nanosec for tick in ticks]
    assert stamps == sorted(stamps)
    assert stamps[0] >= START
    assert stamps[-1] <= START + FRAMES * PERIOD + 10**9


def test_loop_until_interrupted(node, drive):
    from sensor_msgs.msg import Image
    received = []
    node.create_subscription(Image, '/camera/labels', received.append, 50)
    process = replay(drive, '--loop', '--rate', '5', '--wait-for', '/camera/labels')
    _until(lambda: len(received) > 2 * FRAMES)
    process.send_signal(2)
    assert process.wait(timeout=20) == 0


def test_nobody_listens(domain, drive):
    process = replay(drive, '--timeout', '0.5')
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert 'nobody subscribed' in errors
    assert '/camera/image_raw' in errors


def test_messages_that_the_disk_cannot_take_are_reported(node, tmp_path):
    from std_msgs.msg import String

    from panoptic_ros.bags.recorder import Recorded, Recorder
    writer = BagWriter(tmp_path / 'bag')
    recorder = Recorder(node, writer, [Recorded('/words', 'std_msgs/msg/String')], lambda: 0)
    writer.close()      # the disk goes away
    publisher = node.create_publisher(String, '/words', 10)
    _until(lambda: publisher.get_subscription_count() == 1)
    publisher.publish(String(data='a'))
    _until(lambda: recorder.counts['/words'].received == 1)
    with pytest.raises(OSError, match='was not written to its end'):
        recorder.close()


def test_a_type_that_is_not_installed(tmp_path):
    from panoptic_ros.bags.replay import message_class
    with pytest.raises(BagError, match=r'no_such_msgs.*not installed'):
        message_class('no_such_msgs/msg/Thing')


@pytest.mark.parametrize('name', [
    'this/msg/s', 'this', '', 'sensor_msgs/Image', 'sensor_msgs/msg/Image/more',
    'sensor_msgs/srv/SetCameraInfo', '../this/msg/s', 'sensor_msgs/msg/__name__',
    'sensor_msgs.msg/msg/Image', 'sensor_msgs/msg/Image\n'])
def test_only_what_ros_defines_is_imported(monkeypatch, name):
    from panoptic_ros.bags import replay
    monkeypatch.setattr(replay, 'import_module', lambda module: pytest.fail(f'imports {module}'))
    with pytest.raises(BagError, match='expected a type as in sensor_msgs/msg/Image'):
        replay.message_class(name)


def test_what_cannot_be_published_is_left_out_and_gaps_are_skipped(node, tmp_path):
    """Foreign types, bad names, a clock of its own, and a first message at time 0."""
    from rosgraph_msgs.msg import Clock
    from std_msgs.msg import String
    words, string = b'\0\1\0\0\2\0\0\0a\0', 'std_msgs/msg/String'
    clock = b'\0\1\0\0' + struct.pack('<iI', 12345, 0)
    bag = write_mcap(tmp_path / 'odd.mcap', [
        Message(0, words, '/words', string), Message(10**18, words, '/words', string),
        Message(10**18, clock, '/clock', 'rosgraph_msgs/msg/Clock'),
        Message(10**18, words, '/foreign', 'this/msg/s'),
        Message(10**18, words, '/bad name', string)])
    ticks, received = [], []
    node.create_subscription(String, '/words', received.append, 10)
    node.create_subscription(Clock, '/clock', ticks.append, 1000)
    process = replay(bag, '--clock', '--wait-for', '/words')
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert 'Traceback' not in errors
    assert 'Zen' not in output, 'it imported what the bag names'
    for words in ("/foreign is left out: 'this/msg/s' is not installed",
                  "/bad name is left out: '/bad name' cannot be published",
                  '/clock is left out: the replay publishes /clock itself',
                  'has a gap: 999999999 s of it are skipped (--max-gap)'):
        assert len([line for line in errors.splitlines() if words in line]) == 1, errors
    for fault in ('topic that cannot be published', 'gap in a recording'):
        assert re.search(said(fault), errors)
    _until(lambda: len(received) == 2)
    seconds = [tick.clock.sec for tick in ticks]
    assert 12345 not in seconds
    assert seconds == sorted(seconds)
    assert seconds[0] == 0
    assert seconds[-1] >= 10**9 - 1


@pytest.mark.parametrize(('arguments', 'reason'), [
    (['--topics', '/foreign'], "'this/msg/s' is not installed"),
    (['--remap', '/words:=/bad name'], "'/bad name' cannot be published"),
    (['--wait-for', '/nowhere'], 'no topic /nowhere'),
    (['--max-gap', '0'], 'max-gap is 0.0: expected more than 0'),
    (['--topics', '/empty', '--no-wait'], 'has no messages of what was to be published')])
def test_what_was_asked_for_and_cannot_be_published(domain, tmp_path, arguments, reason):
    words, string = b'\0\1\0\0\2\0\0\0a\0', 'std_msgs/msg/String'
    write_mcap(tmp_path / 'bag' / 'odd.mcap', [Message(0, words, '/words', string),
                                               Message(0, words, '/foreign', 'this/msg/s')])
    bag = write_metadata(tmp_path / 'bag', {'/empty': 0})
    topics = [] if '--topics' in arguments else ['--topics', '/words']
    process = replay(bag, *arguments, *topics)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert reason in errors
    assert 'Traceback' not in errors


def _until(condition, timeout=15.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, 'nothing came in time'
        time.sleep(0.02)
