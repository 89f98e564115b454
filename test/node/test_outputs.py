"""What is computed and published, and what is not while nobody subscribes."""

import numpy as np
import pytest
import rclpy
from ros_harness import pixels_of
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from panoptic_ros import Panoptic, messages, overlay
from panoptic_ros.node.outputs import CameraOutputs
from panoptic_ros.node.settings import Settings

pytestmark = pytest.mark.ros

IMAGE = np.full((4, 6, 3), 100, np.uint8)


@pytest.fixture
def outputs(client):
    """Those of a node in the client's participant, as two in a process can block each other."""
    node = rclpy.create_node('outputs', context=client.context, enable_rosout=False,
                             start_parameter_services=False)
    outputs = CameraOutputs(node)
    yield outputs
    outputs.destroy()
    node.destroy_node()


@pytest.fixture
def panoptic(cityscapes):
    return Panoptic.from_labels(np.full((4, 6), 13001, np.uint16), cityscapes)


@pytest.fixture
def computed(monkeypatch):
    """The names of what was computed."""
    names = []

    def spy(owner, name):
        original = getattr(owner, name)

        def compute(*args, **kwargs):
            names.append(name)
            return original(*args, **kwargs)
        monkeypatch.setattr(owner, name, compute)

    for owner, name in ((overlay, 'draw'), (Panoptic, 'semantic'), (Panoptic, 'instances'),
                        (messages, 'compressed_image')):
        spy(owner, name)
    return names


def publish(outputs, panoptic):
    outputs.publish(Header(), panoptic)
    for _, draw in outputs.draw(Header(), IMAGE, panoptic, Settings()):
        draw()


def test_nothing_is_computed_while_nobody_subscribes(outputs, panoptic, computed):
    publish(outputs, panoptic)
    assert computed == []
    assert not outputs.wants_confidence


@pytest.mark.parametrize(('kind', 'topic', 'expected'), [
    (Image, 'semantic', ['semantic']), (Image, 'instance', ['instances']),
    (Image, 'overlay', ['draw']),
    (CompressedImage, 'overlay/compressed', ['draw', 'compressed_image']),
    (CompressedImage, 'panoptic/compressed', ['compressed_image'])])
def test_what_is_subscribed_to_is_computed(client, outputs, panoptic, computed, kind, topic,
                                           expected):
    received = client.subscribe(kind, f'/outputs/{topic}')

    def published():
        del computed[:]
        publish(outputs, panoptic)
        return computed

    assert client.wait(published, 'subscription') == expected
    received.wait(lambda _: True)


def test_confidence_is_asked_of_the_segmenter(client, outputs, cityscapes):
    received = client.subscribe(Image, '/outputs/confidence')
    client.wait(lambda: outputs.wants_confidence, 'subscription')
    labels = np.full((4, 6), 13001, np.uint16)
    measured = Panoptic.from_labels(labels, cityscapes)
    publish(outputs, measured)          # it came too late for this frame: nothing to publish
    confidence = np.arange(24, dtype=np.uint8).reshape(4, 6)
    publish(outputs, Panoptic(labels, measured.segments, cityscapes, confidence))
    assert np.array_equal(pixels_of(received.wait(lambda _: True)), confidence)
    assert len(received) == 1
