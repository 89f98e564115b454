"""`qos_overrides`, as rclpy names them, reach every topic of the node."""

import pytest
import rclpy
import yaml
from diagnostic_msgs.msg import DiagnosticArray
from faults import FAULTS
from rclpy.context import Context
from rclpy.exceptions import ParameterException
from rclpy.parameter import Parameter
from ros_harness import start_node

from panoptic_ros.node.outputs import ImageOutput
from panoptic_ros.node.subscription import ImageSubscription

pytestmark = pytest.mark.ros

OVERRIDE = {'reliability': 'best_effort', 'history': 'keep_last', 'depth': 7}


def test_every_topic_takes_overrides(domain, client, node, tiny_onnx, tmp_path):
    client.wait(lambda: ('panoptic_node', '/') in client.node.get_node_names_and_namespaces(),
                'word of the node')
    own = client.wait(lambda: [
        name.replace('/panoptic_node', '/tuned') for name, _ in
        client.node.get_publisher_names_and_types_by_node('panoptic_node', '/')
        if name.startswith('/panoptic_node/') and not name.endswith('/transition_event')],
        'topics of the node')
    subscribed = '/tuned/image'
    # a copy for each: the parser of parameter files knows no aliases
    overrides = {topic: {'publisher': {**OVERRIDE}} for topic in own}
    overrides[subscribed] = {'subscription': {**OVERRIDE}}
    file = tmp_path / 'qos.yaml'
    file.write_text(yaml.safe_dump({'/**': {'ros__parameters': {
        'model': str(tiny_onnx), 'qos_overrides': overrides}}}))
    remap = {'__node': 'tuned', 'image': subscribed}
    with start_node(domain, params_file=file, remap=remap) as tuned:
        tuned.wait_for_output(f'waiting for images on {subscribed}')
        for topic in own:
            reliability, = client.wait(lambda topic=topic: [
                p.qos_profile.reliability.name for p in
                client.node.get_publishers_info_by_topic(topic) if p.node_name == 'tuned'], topic)
            assert reliability == 'BEST_EFFORT', topic
        camera, = client.wait(
            lambda: client.node.get_subscriptions_info_by_topic(subscribed), subscribed)
        assert camera.qos_profile.reliability.name == 'BEST_EFFORT'
        assert tuned.stop() == 0


@pytest.fixture
def make_node(domain):
    """A function that makes a node with parameters."""
    context = Context()
    rclpy.init(context=context, domain_id=domain)

    def make(**parameters):
        return rclpy.create_node(
            'overridden', context=context, enable_rosout=False, start_parameter_services=False,
            parameter_overrides=[Parameter(f'qos_overrides./{name}', value=value)
                                 for name, value in parameters.items()])

    yield make
    rclpy.shutdown(context=context)


def test_history_and_depth_are_overridden_too(make_node):
    node = make_node(**{'labels.publisher.depth': 7, 'labels.publisher.history': 'keep_all'})
    raw, compressed = ImageOutput(node, 'labels', '16UC1').publishers
    assert raw.qos_profile.depth == 7
    assert raw.qos_profile.history.name == 'KEEP_ALL'
    assert compressed.qos_profile.depth == 1, 'each has a profile of its own'
    node.destroy_node()


@pytest.mark.parametrize(('policy', 'value', 'error', 'reason'), [
    ('reliability', 'perfect', RuntimeError, 'override for policy `reliability`: `perfect`'),
    ('history', 'some', RuntimeError, 'override for policy `history`: `some`'),
    ('depth', 'deep', ParameterException, "'deep' of type 'STRING', expecting type 'INTEGER'")])
def test_a_wrong_policy_is_refused_with_a_reason(make_node, policy, value, error, reason):
    node = make_node(**{f'labels.publisher.{policy}': value,
                        f'image.subscription.{policy}': value})
    with pytest.raises(error, match=reason):
        ImageOutput(node, 'labels', '16UC1')
    with pytest.raises(error, match=reason):
        ImageSubscription(node, 'raw').check()
    node.destroy_node()


def test_a_wrong_policy_fails_the_transition(domain, tmp_path, tiny_onnx):
    file = tmp_path / 'qos.yaml'
    file.write_text(yaml.safe_dump({'/**': {'ros__parameters': {
        'model': str(tiny_onnx),
        'qos_overrides': {'/wrong/panoptic': {'publisher': {'reliability': 'perfect'}}}}}}))
    with start_node(domain, params_file=file, remap={'__node': 'wrong'}) as node:
        node.wait_for_output('cannot configure: .*`reliability`: `perfect`')
        assert node.stop() == 0


def test_a_wrong_policy_of_an_image_topic_fails_configure(domain, client, tmp_path, tiny_onnx):
    row, file = FAULTS['QoS override of an image topic that does not exist'], tmp_path / 'qos.yaml'
    file.write_text(yaml.safe_dump({'/**': {'ros__parameters': {
        'model': str(tiny_onnx), 'image_transport': 'compressed',
        'qos_overrides': {'/cam/image/compressed': {
            'subscription': {'reliability': 'sometimes'}}}}}}))
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    with start_node(domain, params_file=file,
                    remap={'__node': 'sometimes', 'image': '/cam/image'}) as node:
        node.wait_for_output(row.log)
        client.wait(lambda: row.diagnosed(diagnostics, 'sometimes'), row.name)
        assert client.state('/sometimes') == 'unconfigured'
        assert not client.node.count_publishers('/sometimes/panoptic'), 'nothing of it stays'
        assert node.stop() == 0
