"""Whatever arrives, the node answers the next image: generated messages to all that it takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray
from examples import examples
from generated_messages import any_of, damaged, load, messages, near
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from lifecycle_msgs.msg import Transition
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import ListParameters, SetParameters
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import NodeNameNonExistentError
from rclpy.parameter import Parameter as OwnParameter
from ros_harness import PATIENCE, compressed_message, image_message, start_node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image

pytestmark = [pytest.mark.ros, pytest.mark.slow]

RCLError = rclpy_implementation.RCLError

NAME, SPACE = 'node', '/arriving'
NODE = f'{SPACE}/{NAME}'
SCENE = tiny_model.scene()
SHUTDOWNS = (Transition.TRANSITION_UNCONFIGURED_SHUTDOWN, Transition.TRANSITION_INACTIVE_SHUTDOWN,
             Transition.TRANSITION_ACTIVE_SHUTDOWN)
TOPICS = {'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage', 'rosgraph_msgs/msg/Clock'}
SERVICES = {'lifecycle_msgs/srv/ChangeState', 'rcl_interfaces/srv/SetParameters',
            'rcl_interfaces/srv/SetParametersAtomically', 'rcl_interfaces/srv/GetParameters',
            'type_description_interfaces/srv/GetTypeDescription'}


EXAMPLES = settings(database=None, phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck))
"""None is made smaller: a process that has ended fails all."""


class Target:
    """The node, its services, and how it is brought back after examples."""

    def __init__(self, client: Any, process: Any, model: Any) -> None:
        self.client, self.process = client, process
        self.labels = {camera: client.subscribe(Image, f'{NODE}/{camera}/panoptic')
                       for camera in ('front', 'rear')}
        self.services = self.graph(client.node.get_service_names_and_types_by_node, SERVICES)
        self.topics = self.graph(client.node.get_subscriber_names_and_types_by_node, TOPICS)
        self._clients: dict[str, Any] = {}
        names = self.ask(f'{NODE}/list_parameters', ListParameters.Request()).result.names
        self.words = st.sampled_from([*names, '', 'configure', 'activate', 'deactivate', 'cleanup',
                                      'create', 'destroy', 'bgr8', 'mono8', 'jpeg', 'front'])
        self.defaults = [parameter for parameter in (self.parameter(name) for name in names)
                         if not parameter.name.startswith('qos_overrides')]
        self.overrides = {Parameter: st.builds(Parameter, name=self.words, value=_values())}

    def graph(self, ask: Callable[..., Any], least: set[str]) -> dict[str, str]:
        """Return the types of what the node has, by their names, when the least of it is known."""
        def known() -> dict[str, str] | None:
            with suppress(NodeNameNonExistentError):
                found = {name: kind for name, (kind,) in ask(NAME, SPACE)}
                return found if set(found.values()) >= least else None
            return None

        return self.client.wait(known, 'graph')

    def ask(self, service: str, request: Any) -> Any:
        """Return the answer of a service, asked by a client that stays."""
        if service not in self._clients:
            asker = self.client.run(self.client.node.create_client, load(self.services[service]),
                                    service)
            self.client.wait(asker.service_is_ready, service)
            self._clients[service] = asker
        future = self._clients[service].call_async(request)
        future.add_done_callback(lambda _: self.client.notify())
        self.client._executor.wake()
        return self.client.wait(lambda: self.lives() and future.done() and future.result(),
                                service, PATIENCE)

    def lives(self) -> bool:
        assert self.process.process.poll() is None, self.process.output
        return True

    def parameter(self, name: str) -> Parameter:
        return OwnParameter(name, value=self.client.get_parameter(NODE, name)).to_parameter_msg()

    def restore(self) -> None:
        """Undo what requests did in good order: parameters, then transitions."""
        self.ask(f'{NODE}/set_parameters', SetParameters.Request(parameters=self.defaults))
        for transition in ('configure', 'activate'):
            if self.state() != 'active':
                self.client.change_state(NODE, transition)

    def state(self) -> str:
        request = load('lifecycle_msgs/srv/GetState').Request()
        return self.ask(f'{NODE}/get_state', request).current_state.label

    def check(self) -> None:
        """Hold the node to an answer to a good image of each camera."""
        self.check_raw()
        self.check_file()

    def check_raw(self) -> None:
        raw = image_message(SCENE, 'bgr8', self.client.header())
        self.client.exchange(raw, f'{SPACE}/front/image', self.labels['front'])
        self.labels['front'].clear()

    def check_file(self) -> None:
        file = compressed_message(SCENE, 'jpg', self.client.header())
        self.client.exchange(file, f'{SPACE}/rear/image/compressed', self.labels['rear'])
        self.labels['rear'].clear()

    def try_all(self, generated: st.SearchStrategy[Any], send: Any, usual: int,
                look: Callable[[], None], every: int = 1) -> None:
        """Send what is generated, one after the other; look at the node after every so many."""
        sent: list[Any] = []

        @settings(EXAMPLES, max_examples=examples(usual))
        @given(generated)
        def arrive(message: Any) -> None:
            sent.append(message)
            send(message)
            assert self.lives()
            if not len(sent) % every:
                note(f'before it came {sent[-every:-1]}')
                look()

        arrive()
        look()


def _values() -> st.SearchStrategy[ParameterValue]:
    """Return values of a type with what belongs to it, and of any type with anything."""
    kinds = ParameterType
    words = st.sampled_from(['', 'front', 'rear/compressed', 'a' * 300, 'onnxruntime', '\0', 'é'])
    integers = st.one_of(st.integers(-2, 9), st.sampled_from([-2**63, 2**63 - 1]))
    right = st.one_of(
        st.builds(ParameterValue, type=st.just(kinds.PARAMETER_BOOL), bool_value=st.booleans()),
        st.builds(ParameterValue, type=st.just(kinds.PARAMETER_INTEGER), integer_value=integers),
        st.builds(ParameterValue, type=st.just(kinds.PARAMETER_DOUBLE),
                  double_value=st.one_of(st.floats(), st.floats(0, 1))),
        st.builds(ParameterValue, type=st.just(kinds.PARAMETER_STRING), string_value=words),
        st.builds(ParameterValue, type=st.just(kinds.PARAMETER_STRING_ARRAY),
                  string_array_value=st.lists(words, max_size=4)))
    return st.one_of(right, any_of(ParameterValue, words, {}))


@pytest.fixture(scope='module')
def target(domain, session_client, tiny_onnx):
    with start_node(domain, model=tiny_onnx, cameras='[front, rear/compressed]',
                    use_sim_time=True, tracking=False,
                    remap={'__ns': SPACE, '__node': NAME}) as node:
        node.wait_for_output('waiting for images')
        target = Target(session_client, node, tiny_onnx)
        target.check()
        yield target
        assert node.stop() == 0, node.output
        assert 'Traceback' not in node.output
        survived = [line for line in node.output.splitlines() if 'the node goes on' in line]
        assert all('a time of' in line for line in survived), 'nothing else comes as far as that'
        session_client.unsubscribe_all()


def test_every_service(target):
    """What a request leaves is there for the next ones, until images have to be answered."""
    def look():
        target.restore()
        target.check()

    for service, kind in target.services.items():
        requests = messages(load(kind).Request, target.words, target.overrides)

        def send(request, service=service, kind=kind):
            assert isinstance(target.ask(service, request), load(kind).Response)

        target.try_all(requests.filter(_stays), send, 80, look, every=8)


def _stays(request: Any) -> bool:
    """Whether a request leaves the node one that can be brought back: the final state is final."""
    transition = getattr(request, 'transition', None)
    return transition is None or not (
        'shutdown' in transition.label or (not transition.label and transition.id in SHUTDOWNS))


def test_every_subscription(target):
    good = {'sensor_msgs/msg/Image': image_message(SCENE, 'bgr8', target.client.header()),
            'sensor_msgs/msg/CompressedImage': compressed_message(
                SCENE, 'jpg', target.client.header()),
            'rosgraph_msgs/msg/Clock': Clock()}
    looks = {'sensor_msgs/msg/CompressedImage': target.check_file}
    assert set(good) == TOPICS
    for topic, kind in target.topics.items():
        example = good.get(kind, load(kind)())
        publisher = target.client.publisher(load(kind), topic)

        def send(message, publisher=publisher):
            with suppress(RCLError):        # bytes that the middleware does not send
                publisher.publish(message)

        target.try_all(st.one_of(messages(load(kind), target.words, {}),
                                 near(example, target.words, {}), damaged(example)),
                       send, 300, looks.get(kind, target.check_raw))
    target.check()


def test_every_parameter_while_nothing_is_loaded(target):
    """Then no value is refused for the node being configured; diagnostics tell of each camera."""
    client = target.client
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
    requests = messages(SetParameters.Request, target.words, target.overrides)

    @settings(EXAMPLES, max_examples=examples(250))
    @given(requests)
    def change(request: Any) -> None:
        answer = target.ask(f'{NODE}/set_parameters', request)
        assert len(answer.results) == len(request.parameters)
        assert all(result.successful or result.reason for result in answer.results)

    for transition in ('deactivate', 'cleanup'):
        assert client.change_state(NODE, transition)
    change()
    diagnostics.clear()
    diagnostics.wait(lambda message: any(status.name.startswith(f'{NODE[1:]}: latency')
                                         for status in message.status))
    target.restore()
    target.check()
