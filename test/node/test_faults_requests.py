"""Requests, clocks and callbacks that are wrong, and a node that goes on; docs/faults.md."""

import re

import pytest
import rclpy
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from faults import FAULTS, rows
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.context import Context
from rclpy.parameter import Parameter as OwnParameter
from rclpy.qos import QoSProfile
from ros_harness import BEST_EFFORT, image_message, pixels_of, start_node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from spinning import spinning

from panoptic_ros import overlay
from panoptic_ros.node.mishaps import GuardedExecutor, RCLError
from panoptic_ros.node.panoptic_node import PanopticNode
from panoptic_ros.node.subscription import LONGEST_OUTPUT

pytestmark = pytest.mark.ros

NODE = '/asked/node'
SCENE = tiny_model.scene()
ANSWERS = {cells[0]: re.search('the answer is `(.+?)`', cells[3])[1]
           for cells in rows() if 'the answer is' in cells[3]}


@pytest.fixture(scope='module')
def asked(domain, tiny_onnx):
    with start_node(domain, model=tiny_onnx, use_sim_time=True, overlay_opacity=0,
                    remap={'__ns': '/asked', '__node': 'node'}) as node:
        node.wait_for_output('waiting for images')
        yield node
        assert node.stop() == 0, node.output
        assert 'Traceback' not in node.output


@pytest.fixture
def serves(client, asked):
    """Whether the node answers an image and a question, and goes on to report."""
    labels = client.subscribe(Image, f'{NODE}/panoptic')
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')

    def serves():
        message = image_message(SCENE, 'bgr8', client.header())
        assert pixels_of(client.exchange(message, '/asked/image', labels)).shape == SCENE.shape[:2]
        diagnostics.clear()
        client.status(diagnostics, 'engine', NODE.lstrip('/'))
        return client.get_parameter(NODE, 'deeplab.top_k') == -1

    return serves


def value(kind, **values):
    return Parameter(name='deeplab.top_k', value=ParameterValue(type=kind, **values))


GOOD = value(ParameterType.PARAMETER_INTEGER, integer_value=-1)


@pytest.mark.parametrize(('name', 'parameters'), [
    ('parameter of a type that ROS does not have', [value(99)]),
    ('parameter of a type that ROS does not have', [value(255)]),
    ('parameter without a type, later', [value(0)]),
    ('thousands of parameters in one request', [GOOD] * 1001)])
def test_a_value_that_is_none_is_refused(client, serves, name, parameters):
    assert FAULTS[name].log is None
    reason = ANSWERS[name].replace('99', str(parameters[0].value.type))
    several = client.call(SetParameters, f'{NODE}/set_parameters',
                          SetParameters.Request(parameters=[*parameters, GOOD]))
    assert len(several.results) == len(parameters) + 1
    assert not several.results[0].successful
    assert reason.replace('1001', '1002') in several.results[0].reason
    assert several.results[-1].successful == (len(parameters) == 1)
    one = client.call(SetParametersAtomically, f'{NODE}/set_parameters_atomically',
                      SetParametersAtomically.Request(parameters=parameters))
    assert not one.result.successful
    assert reason in one.result.reason
    assert serves()


def test_cameras_that_cannot_be_are_refused(client, serves):
    """While it is not configured, when nothing else would stand in the way."""
    long, many = (ANSWERS[name] for name in (
        'name of a camera that is too long', 'more cameras than 64'))
    long = long.split('…')[1]
    for transition in ('deactivate', 'cleanup'):
        assert client.change_state(NODE, transition)
    longest = 247 - len(f'{NODE}//{LONGEST_OUTPUT}')
    for names, reason in (
            (['a' * 300], long), (['a' * (longest + 1)], long),
            ([f'c{i}' for i in range(65)], many),
            ([f'c{i}' for i in range(100_000)], many.replace('65', '100000'))):
        taken, why = client.set_parameter(NODE, 'cameras', names)
        assert not taken
        assert reason in why
        assert len(why) < 300
    assert client.set_parameter(NODE, 'cameras', ['a' * longest]) == (True, '')
    assert client.change_state(NODE, 'configure')
    assert client.change_state(NODE, 'cleanup')
    assert client.set_parameter(NODE, 'cameras', ['']) == (True, '')
    for transition in ('configure', 'activate'):
        assert client.change_state(NODE, transition)
    assert serves()


def test_an_integer_does_where_a_float_is_meant(client, asked):
    assert client.get_parameter(NODE, 'overlay_opacity') == 0.0, 'as it was given at the start'
    assert client.set_parameter(NODE, 'overlay_opacity', 1) == (True, '')
    assert client.get_parameter(NODE, 'overlay_opacity') == 1.0
    taken, why = client.set_parameter(NODE, 'overlay_opacity', 2)
    assert not taken
    assert 'out of range' in why
    assert not client.set_parameter(NODE, 'deeplab.top_k', 5.0)[0], 'but not the other way round'


def test_a_time_before_0_is_ignored(client, asked, serves):
    fault = FAULTS['clock before the time 0']
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
    clock = client.publisher(Clock, '/clock', QoSProfile(depth=1))
    message = Clock()
    message.clock.sec = 1234

    def stamps():
        return {m.header.stamp.sec for m in list(diagnostics)      # other nodes publish them, too
                if m.status[0].name.startswith(NODE.lstrip('/'))}

    def time_has_come():
        clock.publish(message)      # again: the first may have come to other nodes only
        return 1234 in stamps()

    client.wait(time_has_come, 'time')
    message.clock.sec = -1
    clock.publish(message)
    asked.wait_for_output(fault.log)
    client.wait(lambda: fault.diagnosed(diagnostics, NODE.lstrip('/')), fault.name)
    assert serves()
    assert stamps() == {1234} or stamps() == {0, 1234}
    client.wait(lambda: client.status(diagnostics, 'callbacks', NODE.lstrip('/')).level
                == DiagnosticStatus.OK, 'end of it')
    client.stop_publishing('/clock')


@pytest.fixture
def own(domain, tiny_onnx):
    """A node in this process, where it can be broken."""
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = PanopticNode(context=context, namespace='/own', parameter_overrides=[
        OwnParameter('model', value=str(tiny_onnx))])
    executor = GuardedExecutor(node.mishaps, context=context)
    executor.add_node(node)
    with spinning(executor):
        yield node
    node.shut_down()
    executor.shutdown()
    node.destroy_node()
    context.shutdown()


def fail():
    raise ValueError('\ud800')


def test_a_callback_that_raises_is_diagnosed(client, own, capfd):
    fault = FAULTS['callback that raises']
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    timer = own.create_timer(0.05, fail)
    client.wait(lambda: fault.diagnosed(diagnostics, 'own/panoptic_node'), fault.name)
    own.destroy_timer(timer)
    own.mishaps._last.clear()
    diagnostics.clear()
    assert client.wait(lambda: client.status(diagnostics, 'callbacks', 'own/panoptic_node').level
                       == DiagnosticStatus.OK, 'end of it')
    said = [line for line in capfd.readouterr().err.splitlines() if 'timer fail' in line]
    assert len(said) == 1, 'once'
    assert '[ERROR]' in said[0]
    assert said[0].endswith('timer fail: ValueError: \\ud800; the node goes on')


def test_a_report_that_fails_is_diagnosed(client, own, monkeypatch):
    fault = FAULTS['report that fails']
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    client.status(diagnostics, 'engine', 'own/panoptic_node')
    report = own._reporter.report
    monkeypatch.setattr(own._reporter, 'report', lambda *_: fail())
    client.wait(lambda: fault.diagnosed(diagnostics, 'own/panoptic_node'), fault.name)
    monkeypatch.setattr(own._reporter, 'report', report)
    diagnostics.clear()
    client.status(diagnostics, 'engine', 'own/panoptic_node')


@pytest.mark.parametrize(('broken', 'transition', 'state'), [
    ('deactivate', 'deactivate', 'unconfigured'), ('close', 'cleanup', 'unconfigured'),
    ('close', 'shutdown', 'finalized'), ('stop_cameras', 'shutdown', 'finalized')])
def test_a_transition_that_fails_leads_somewhere(client, own, monkeypatch, broken, transition,
                                                state):
    """From wherever it ends the node can be configured again, or is finalized."""
    node = '/own/panoptic_node'
    client.wait(lambda: own._state == 'active', 'activation')
    if transition == 'cleanup':
        assert client.change_state(node, 'deactivate')
    monkeypatch.setattr(own._session, broken, fail)
    client.change_state(node, transition)
    assert client.state(node) == state == own._state
    if state == 'unconfigured':
        assert client.change_state(node, 'configure')
        assert client.change_state(node, 'activate')


def test_the_end_comes_from_any_state(client, own, monkeypatch):
    """Also from one between two others, from which rcl knows no way."""
    client.wait(lambda: own._state == 'active', 'activation')

    def refuse():
        raise RCLError('Shutdown transition not possible')

    monkeypatch.setattr(own, 'trigger_shutdown', refuse)
    own.shut_down()
    assert (own._state, own._session) == ('finalized', None)


def test_every_topic_is_as_long_as_it_was_taken_for(own, client):
    client.wait(lambda: own._state == 'active', 'activation')
    prefix = '/own/panoptic_node/'
    names = [publisher.topic_name.removeprefix(prefix) for publisher in own.publishers
             if publisher.topic_name.startswith(prefix)]
    assert max(names, key=len) == LONGEST_OUTPUT


def test_a_worker_that_raises_serves_the_next_frame(client, own, monkeypatch):
    client.wait(lambda: own._state == 'active', 'activation')
    labels = client.subscribe(Image, '/own/panoptic_node/panoptic')
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
    monkeypatch.setattr(own._session.server, 'serve', lambda *_: fail())
    client.repeat(image_message(SCENE, 'bgr8', client.header()), '/own/image', lambda: any(
        'worker: ValueError' in status.message for message in list(diagnostics)
        for status in message.status), 'diagnosis')
    monkeypatch.undo()
    client.exchange(image_message(SCENE, 'bgr8', client.header()), '/own/image', labels)


def test_an_output_that_cannot_be_drawn_is_diagnosed(client, own, monkeypatch):
    fault = FAULTS['output that cannot be drawn']
    client.wait(lambda: own._state == 'active', 'activation')
    labels = client.subscribe(Image, '/own/panoptic_node/panoptic')
    client.subscribe(Image, '/own/panoptic_node/overlay')
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
    monkeypatch.setattr(overlay, 'draw', lambda *_: fail())
    client.repeat(image_message(SCENE, 'bgr8', client.header()), '/own/image',
                  lambda: fault.diagnosed(diagnostics, 'own/panoptic_node'), fault.name)
    client.exchange(image_message(SCENE, 'bgr8', client.header()), '/own/image', labels)
    assert client.status(diagnostics, 'engine', 'own/panoptic_node').level == DiagnosticStatus.OK


def test_a_camera_that_cannot_subscribe_again_is_not_at_rest(client, own, monkeypatch):
    client.wait(lambda: own._state == 'active', 'activation')
    labels = client.subscribe(Image, '/own/panoptic_node/panoptic')
    source, before = own._session.cameras[0].subscription, own.mishaps.count
    monkeypatch.setattr(own, 'create_subscription', lambda *_, **__: fail())
    client._publishers['/own/image'] = client.run(client.node.create_publisher, Image,
                                                 '/own/image', BEST_EFFORT)
    client.wait(lambda: own.mishaps.count > before + 1, 'second try')
    assert source.active
    monkeypatch.undo()
    client.exchange(image_message(SCENE, 'bgr8', client.header()), '/own/image', labels)
    assert source.reliability == BEST_EFFORT.reliability
    client.stop_publishing('/own/image')
