"""A camera's topic and its subscription, on nodes that are never spun."""

import pytest
import rclpy
from rclpy.context import Context
from rclpy.event_handler import UnsupportedEventTypeError
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Image

from panoptic_ros.node import subscription as module
from panoptic_ros.node.subscription import ImageSubscription, ImageTopic

pytestmark = pytest.mark.ros


@pytest.mark.parametrize(('rules', 'camera', 'transport', 'subscribed'), [
    ((), '', 'raw', '/car/image'),
    ((), '', 'compressed', '/car/image/compressed'),
    ((), 'rear', 'compressed', '/car/rear/image/compressed'),
    (('image:=/front/image_raw',), '', 'raw', '/front/image_raw'),
    (('image:=/front/image_raw',), '', 'compressed', '/front/image_raw/compressed'),
    (('rear/image:=back',), 'rear', 'compressed', '/car/back/compressed'),
    (('image:=/a', 'image/compressed:=/b'), '', 'compressed', '/b'),
    (('image/compressed:=/b',), '', 'raw', '/car/image'),
    (('image:=image', 'image/compressed:=image/compressed'), '', 'compressed',
     '/car/image/compressed'),
    (('a/image:=/car/b/image', 'b/image:=/car/a/image', 'a/image/compressed:=/x',
      'b/image/compressed:=/y'), 'a', 'compressed', '/x'),
    (('a/image:=b/image', 'b/image:=a/image'), 'a', 'raw', '/car/b/image')])
def test_a_remapping_carries_to_the_transport(domain, rules, camera, transport, subscribed):
    context = Context()
    arguments = ['--ros-args', *(word for rule in rules for word in ('-r', rule))]
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node('remapped', context=context, namespace='/car', cli_args=arguments,
                             enable_rosout=False, start_parameter_services=False)
    topic = ImageTopic(node, camera, transport)
    assert topic.name == subscribed
    assert topic.own == (f'{camera}/' if camera else '') + 'image' + (
        '/compressed' if transport == 'compressed' else '')
    made = node.create_subscription(Image, topic.subscribed, lambda _: None, 1)
    assert made.topic_name == subscribed
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def node(domain):
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node('sighted', context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_middleware_that_tells_of_no_losses_is_enough(node, monkeypatch):
    make = module.SubscriptionEventCallbacks

    def refuse(**callbacks):
        if callbacks['message_lost'] is not None:
            raise UnsupportedEventTypeError('not implemented', '')
        return make(**callbacks)

    monkeypatch.setattr(module, 'SubscriptionEventCallbacks', refuse)
    subscription = ImageSubscription(node, 'raw')
    subscription.start()
    assert subscription.active
    assert subscription.reliability == ReliabilityPolicy.RELIABLE
    assert subscription._automatic, 'as with events'
    subscription.stop()
