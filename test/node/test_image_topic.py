import pytest
import rclpy
from rclpy.context import Context
from sensor_msgs.msg import Image

from panoptic_ros.node.image_topic import ImageTopic

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
