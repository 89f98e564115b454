"""The node as a process of its own, and a client that talks to it over DDS."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import cv2
import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

PATIENCE = 60.0
"""Seconds that a wait may take on a machine that is busy with other things."""

REPEAT = 0.5
"""Seconds after which a lost image is sent again: cameras are best effort."""

ASK_AGAIN = 5.0
"""Seconds without a response after which a service is asked again."""

GOALS = {'configure': 'inactive', 'activate': 'active', 'deactivate': 'inactive',
         'cleanup': 'unconfigured', 'shutdown': 'finalized'}
"""The states to which transitions lead."""

BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def surroundings(domain: int, **environment: str) -> dict[str, str]:
    """Return the environment of a process that talks to others on this machine only."""
    return {**os.environ, 'ROS_DOMAIN_ID': str(domain), 'PYTHONUNBUFFERED': '1',
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST', 'RCUTILS_COLORIZED_OUTPUT': '0',
            'ROS_LOG_DIR': tempfile.gettempdir(), **environment}


class Process:
    """A command whose output can be waited for."""

    def __init__(self, command: list[str], domain: int, **environment: str) -> None:
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=surroundings(domain, **environment))
        self._changed = Condition()
        self._lines: list[str] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def output(self) -> str:
        with self._changed:
            return ''.join(self._lines)

    def wait_for_output(self, pattern: str, start: int = 0) -> str:
        """Wait for a line with ``pattern`` after the first ``start`` lines."""
        def found() -> str | None:
            return next((line for line in self._lines[start:] if re.search(pattern, line)), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or not self._reader.is_alive(), PATIENCE)
            line = found()
        assert line, f'no {pattern!r} in:\n{self.output}'
        return line

    @property
    def line_count(self) -> int:
        with self._changed:
            return len(self._lines)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self._reader.join(PATIENCE)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)


def start_node(domain: int, *, remap: dict[str, str] | None = None,
               params_file: Path | None = None, environment: dict[str, str] | None = None,
               **parameters: object) -> Process:
    """Start ``panoptic_node`` with parameters; remapping ``__node`` and ``__ns`` renames it."""
    arguments = []
    for source, target in (remap or {}).items():
        arguments += ['-r', f'{source}:={target}']
    if params_file:
        arguments += ['--params-file', str(params_file)]
    for key, value in parameters.items():
        arguments += ['-p', f'{key}:={str(value).lower() if isinstance(value, bool) else value}']
    return Process([sys.executable, '-m', 'panoptic_ros.cli.panoptic_node', '--ros-args',
                    *arguments], domain, **environment or {})


class Collector(list):
    """The messages of a topic, in the order in which they came."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.subscription: Any = None

    def wait(self, accept: Callable[[Any], object], what: str = 'message') -> Any:
        """Return the first message that is accepted, when it has come."""
        return self._client.wait(
            lambda: next((message for message in list(self) if accept(message)), None),
            f'{what} on {self.subscription.topic_name}')


class Client:
    """A node in the test's process whose callbacks run in a thread of their own."""

    def __init__(self, domain: int) -> None:
        self.context = Context()
        os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node('client', context=self.context,
                                      enable_rosout=False, start_parameter_services=False)
        self._idle = rclpy.create_node('idle_client', context=self.context,
                                       enable_rosout=False, start_parameter_services=False)
        self._wanted: list[Any] = []
        self._changed = Condition()
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._thread = Thread(target=self._spin, daemon=True)
        self._thread.start()
        self._publishers: dict[str, Any] = {}
        self._collectors: list[Collector] = []
        self._frames = 0

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()

    def close(self) -> None:
        self._executor.shutdown()
        self._thread.join(PATIENCE)
        self.node.destroy_node()
        self._idle.destroy_node()
        rclpy.shutdown(context=self.context)

    def notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do something in the executor's thread: entities may not vanish while it waits."""
        task = self._executor.create_task(work, *arguments)
        task.add_done_callback(lambda _: self.notify())
        self._executor.wake()
        self.wait(task.done, f'end of {work.__name__}')
        return task.result()

    def wait(self, condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
        """Return the condition's value when it is true; it is also asked now and then."""
        deadline = time.monotonic() + patience
        with self._changed:
            while not (value := condition()):
                if time.monotonic() >= deadline:
                    raise TimeoutError(f'no {what} within {patience} s')
                self._changed.wait(0.05)
        return value

    def subscribe(self, kind: type, topic: str, qos: QoSProfile | int = 10,
                  matched: bool = True) -> Collector:
        """Subscribe, and wait until a publisher is there."""
        collector = Collector(self)

        def receive(message: Any) -> None:
            collector.append(message)
            self.notify()

        self._collectors.append(collector)
        collector.subscription = self.run(self.node.create_subscription, kind, topic, receive,
                                          qos)
        if matched:
            self.wait(lambda: self.node.count_publishers(topic), f'publisher of {topic}')
        return collector

    def want(self, topic: str) -> None:
        """Subscribe to images, so that they are published, and leave them where they arrive."""
        self._wanted.append(self._idle.create_subscription(Image, topic, lambda image: None,
                                                           BEST_EFFORT))

    def unsubscribe_all(self) -> None:
        while self._wanted:
            self._idle.destroy_subscription(self._wanted.pop())
        while self._collectors:
            self.run(self.node.destroy_subscription, self._collectors.pop().subscription)

    def publisher(self, kind: type, topic: str, qos: QoSProfile | int = 1) -> Any:
        """Return the publisher of a topic, when somebody subscribes to it."""
        if topic not in self._publishers:
            self._publishers[topic] = self.run(self.node.create_publisher, kind, topic, qos)
        publisher = self._publishers[topic]
        self.wait(publisher.get_subscription_count, f'subscriber of {topic}')
        return publisher

    def stop_publishing(self, topic: str) -> None:
        """Take a topic's publisher off the graph."""
        if topic in self._publishers:
            self.run(self.node.destroy_publisher, self._publishers.pop(topic))

    def header(self) -> Header:
        """Return a header of its own, with the present time."""
        self._frames += 1
        seconds, nanoseconds = divmod(time.time_ns(), 10 ** 9)
        return Header(stamp=Time(sec=seconds, nanosec=nanoseconds),
                      frame_id=f'camera_optical_{self._frames}')

    def exchange(self, message: Any, topic: str, output: Collector, every: float = REPEAT) -> Any:
        """Publish an image until the output with its header comes; return that."""
        return self.repeat(message, topic, lambda: next(
            (m for m in list(output) if m.header == message.header), None),
            f'answer on {output.subscription.topic_name}', every)

    def repeat(self, message: Any, topic: str, condition: Callable[[], Any], what: str,
               every: float = REPEAT) -> Any:
        """Publish an image every few seconds until the condition is true; return its value."""
        publisher = self.publisher(type(message), topic)
        for _ in range(int(PATIENCE / every)):
            publisher.publish(message)
            with suppress(TimeoutError):
                return self.wait(condition, what, every)
        raise TimeoutError(f'no {what} after {PATIENCE} s of images on {topic}')

    def status(self, diagnostics: Collector, name: str, node: str = 'panoptic_node') -> Any:
        """Return the newest status of a name, when one has come."""
        return self.wait(lambda: next(
            (status for message in reversed(list(diagnostics)) for status in message.status
             if status.name == f'{node}: {name}'), None), f'status {name}')

    def readings(self, diagnostics: Collector, name: str, node: str = 'panoptic_node',
                 having: str | None = None) -> dict[str, str]:
        """Return the values of the newest status of a name, when one has come with that key."""
        def newest() -> dict[str, str] | None:
            values = {value.key: value.value
                      for value in self.status(diagnostics, name, node).values}
            return values if having is None or having in values else None

        return self.wait(newest, f'{having} of status {name}')

    def call(self, kind: type, service: str, request: Any) -> Any:
        """Call a service and return its response."""
        return self._ask(kind, service, request)[0]

    def _ask(self, kind: type, service: str, request: Any) -> tuple[Any, int]:
        """
        Return the first response and how often the service had to be asked for it.

        Fast DDS drops a response when the server's side has not discovered the client within
        100 ms of the request, which happens while a machine is busy.
        """
        client = self.run(self.node.create_client, kind, service)
        futures: list[Any] = []
        try:
            self.wait(client.service_is_ready, f'service {service}')
            while True:
                futures.append(client.call_async(request))
                futures[-1].add_done_callback(lambda _: self.notify())
                self._executor.wake()
                with suppress(TimeoutError):
                    done = self.wait(lambda: next((f for f in futures if f.done()), None),
                                     f'response of {service}', ASK_AGAIN)
                    return done.result(), len(futures)
                if len(futures) * ASK_AGAIN >= PATIENCE:
                    raise TimeoutError(f'no response of {service} to {len(futures)} requests')
        finally:
            self.run(self.node.destroy_client, client)

    def change_state(self, node: str, transition: str | int) -> bool:
        """Ask for a transition by its label or its id; return whether it succeeded."""
        request = ChangeState.Request()
        if isinstance(transition, str):
            request.transition.label = transition
        else:
            request.transition.id = transition
        response, requests = self._ask(ChangeState, f'{node}/change_state', request)
        if requests > 1 and not response.success:   # the first may have been done, unheard
            return self.state(node) == GOALS.get(str(transition))
        return response.success

    def state(self, node: str) -> str:
        return self.call(GetState, f'{node}/get_state', GetState.Request()).current_state.label

    def set_parameter(self, node: str, name: str, value: object) -> tuple[bool, str]:
        """Set a parameter; return whether it was taken, and the reason if it was not."""
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()])
        result = self.call(SetParameters, f'{node}/set_parameters', request).results[0]
        return result.successful, result.reason

    def get_parameter(self, node: str, name: str) -> Any:
        values = self.call(GetParameters, f'{node}/get_parameters',
                           GetParameters.Request(names=[name])).values
        return Parameter.from_parameter_msg(
            Parameter(name).to_parameter_msg().__class__(name=name, value=values[0])).value

    def describe_parameter(self, node: str, name: str) -> Any:
        return self.call(DescribeParameters, f'{node}/describe_parameters',
                         DescribeParameters.Request(names=[name])).descriptors[0]


def image_message(pixels: np.ndarray, encoding: str, header: Header, padding: int = 0) -> Image:
    """Return an image message whose rows end with ``padding`` bytes of no meaning."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=173)
    return Image(header=header, height=height, width=width, encoding=encoding,
                 step=rows.shape[1], data=array('B', rows.tobytes()))


def compressed_message(pixels: np.ndarray, extension: str, header: Header) -> CompressedImage:
    """Return an image message that holds a ``png`` or ``jpg`` file."""
    data = cv2.imencode(f'.{extension}', pixels)[1].tobytes()
    return CompressedImage(header=header, format=extension, data=array('B', data))


def pixels_of(message: Image) -> np.ndarray:
    """Return the pixels of an image message of the node."""
    dtype, channels = {'16UC1': (np.uint16, 1), 'mono8': (np.uint8, 1),
                       'bgr8': (np.uint8, 3)}[message.encoding]
    pixels = np.frombuffer(message.data, dtype).reshape(message.height, message.width, channels)
    return pixels[..., 0] if channels == 1 else pixels


def compressed_pixels_of(message: CompressedImage) -> np.ndarray:
    """Return the pixels of a compressed image of the node."""
    return cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_UNCHANGED)
