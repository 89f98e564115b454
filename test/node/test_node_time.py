"""The node when it is slower than its camera, and when time itself jumps."""

import sys
from itertools import pairwise

import pytest
import tiny_model
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from ros_harness import Process, image_message, start_node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from std_msgs.msg import Header

pytestmark = pytest.mark.ros

SCENE = tiny_model.scene()
SLOW = """
import time
from panoptic_ros.segmenter import Segmenter
segment = Segmenter.segment
def slowly(*args, **kwargs):
    time.sleep(0.3)
    return segment(*args, **kwargs)
Segmenter.segment = slowly
from panoptic_ros.cli.panoptic_node import main
main({arguments!r})
"""


def seconds(stamp):
    return stamp.sec + stamp.nanosec * 1e-9


def test_under_overload_no_frame_is_older_than_two_engine_periods(domain, client, tiny_onnx):
    """The camera is ten times as fast as the engine; ages are held against the node's own pace."""
    arguments = ['--ros-args', '-r', '__node:=slow', '-r', 'image:=/slow/image',
                 '-p', f'model:={tiny_onnx}', '-p', 'min_rate:=5.0']
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    ages, times = [], []

    def receive(message):
        now = client.node.get_clock().now().nanoseconds * 1e-9
        ages.append(now - seconds(message.header.stamp))
        times.append(now)

    with Process([sys.executable, '-c', SLOW.format(arguments=arguments)], domain) as node:
        node.wait_for_output('waiting for images')
        publisher = client.publisher(Image, '/slow/image')
        client.run(client.node.create_subscription, Image, '/slow/panoptic', receive, 10)
        client.wait(lambda: client.node.count_publishers('/slow/panoptic'), 'publisher')
        timer = client.run(client.node.create_timer, 0.03, lambda: publisher.publish(
            image_message(SCENE, 'bgr8', client.header())))
        client.wait(lambda: len(ages) >= 14, 'fourteen answers')
        client.wait(lambda: 'less than min_rate, 5 Hz' in client.status(
            diagnostics, 'frames', 'slow').message, 'word of the overload')
        client.run(client.node.destroy_timer, timer)
        assert client.status(diagnostics, 'frames', 'slow').level == DiagnosticStatus.WARN
        assert node.stop() == 0
    period = max(b - a for a, b in pairwise(times[1:]))
    assert period > 0.3
    assert max(ages[1:]) < 2 * period, (ages, period)


@pytest.fixture
def simulated(domain, client, tiny_onnx):
    with start_node(domain, model=tiny_onnx, use_sim_time=True, max_age=1.0, max_stamp_age=0.5,
                    remap={'__node': 'simulated', 'image': '/simulated/image'}) as node:
        node.wait_for_output('waiting for images')
        yield node
        client.stop_publishing('/clock')
        assert node.stop() == 0
        assert 'Traceback' not in node.output


def test_bag_loops_and_jumps_of_the_clock_are_survived(client, simulated):
    """Time as a bag has it that is played twice and then once more from an earlier recording."""
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    labels = client.subscribe(Image, '/simulated/panoptic')
    clock = client.publisher(Clock, '/clock')
    camera = client.publisher(Image, '/simulated/image')

    def status(name):
        return client.status(diagnostics, name, 'simulated')

    def counts():
        return {v.key: int(v.value) for v in status('frames').values if '[' not in v.key}

    for number, now in enumerate((1000, 1060, 1000, 10**6, 500)):
        stamp = Time(sec=now, nanosec=number)
        image = image_message(SCENE, 'bgr8', Header(stamp=stamp))

        def play(stamp=stamp, image=image):
            clock.publish(Clock(clock=stamp))
            camera.publish(image)
            return any(m.header == image.header for m in labels)

        client.wait(play, f'labels at {now} s')

        def recovered(play=play):
            play()
            return status('camera').level == DiagnosticStatus.OK

        diagnostics.clear()
        client.wait(recovered, f'a camera in order at {now} s')
        found = status('camera')
        age = next(float(v.value) for v in found.values if v.key == 'stamp age [s]')
        assert abs(age) < 0.5, found
    before = counts()['stale']
    old = image_message(SCENE, 'bgr8', Header(stamp=Time(sec=490)))

    def play_old():
        camera.publish(old)
        return counts()['stale'] > before

    client.wait(play_old, 'a frame that is dropped as stale')
    assert not any(m.header == old.header for m in labels)
    assert client.readings(diagnostics, 'latency', 'simulated', 'total p50 [ms]')
