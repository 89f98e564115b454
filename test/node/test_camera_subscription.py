"""A camera's subscription, on a node that is never spun."""

import pytest
import rclpy
from rclpy.context import Context
from rclpy.event_handler import UnsupportedEventTypeError
from rclpy.qos import ReliabilityPolicy

from panoptic_ros.node import camera as camera_module
from panoptic_ros.node.camera import Camera

pytestmark = pytest.mark.ros


@pytest.fixture
def node(domain):
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node('sighted', context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_middleware_that_tells_of_no_losses_is_enough(node, monkeypatch):
    make = camera_module.SubscriptionEventCallbacks

    def refuse(**callbacks):
        if callbacks['message_lost'] is not None:
            raise UnsupportedEventTypeError('not implemented', '')
        return make(**callbacks)

    monkeypatch.setattr(camera_module, 'SubscriptionEventCallbacks', refuse)
    camera = Camera(node, 'raw')
    camera.start()
    assert camera.active
    assert camera.reliability == ReliabilityPolicy.RELIABLE
    assert camera._automatic, 'as with events'
    camera.stop()


def test_the_largest_message_is_told_once(node):
    camera = Camera(node, 'raw')
    for size in (3000, 100):
        camera._receive(bytes(size), {})
    assert camera.take_largest() == 3000
    assert camera.take_largest() == 0
    assert camera.freshness.overdue(camera.last_arrival + 1) >= 1
