"""Replaying a drive to the node and recording what it answers."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.serialization import deserialize_message

from ..bags.reader import Bag, Record
from ..bags.recorder import Recorded, Recorder
from ..bags.replay import Lateness, Replay, Selection
from ..bags.writer import BagWriter
from ..messages import DETECTIONS, IMAGE, LABEL_INFO
from .node_process import NodeError, NodeProcess
from .recording import CAMERA

NODE = '/panoptic_node'
PANOPTIC = f'{NODE}/panoptic'
OBJECTS = f'{NODE}/objects'
DIAGNOSTICS = '/diagnostics'

RECORDED = (
    Recorded(f'{NODE}/label_info', LABEL_INFO, latched=True),
    Recorded(PANOPTIC, IMAGE),
    Recorded(OBJECTS, DETECTIONS),
    Recorded(DIAGNOSTICS, 'diagnostic_msgs/msg/DiagnosticArray'))

START_TIMEOUT = 180.0
"""Seconds that the node has to load its model and to subscribe."""

_PATIENCE = 30.0
"""Seconds after the replay that the node has to finish what it received."""

_STAMP = struct.Struct('<iI')
"""The form of a header's stamp, which stands behind a serialised message's encapsulation."""


@dataclass
class Run:
    """What happened while the drive was replayed."""

    published: dict[int, float] = field(default_factory=dict)
    """When each camera frame was published, by its stamp; in seconds of ``time.monotonic``."""
    answered: dict[int, float] = field(default_factory=dict)
    """When the label image of that stamp was received."""
    objects: int = 0
    """Number of messages on ``~/objects``."""
    lost: int = 0
    """Number of messages that were not recorded, because the disk was too slow."""
    lateness: Lateness = field(default_factory=lambda: Lateness(0, 0.0, 0.0, 0.0))
    statuses: dict[str, dict[str, str]] = field(default_factory=dict)
    """The node's last diagnostics: values by status, such as 'latency'."""
    faults: list[str] = field(default_factory=list)
    """What its diagnostics said was wrong with the engine."""

    @property
    def frames(self) -> dict[str, int]:
        """How many frames the node received and what became of them, by its last diagnostics."""
        return {name: int(count) for name, count in self.statuses.get('frames', {}).items()
                if not name.endswith('[Hz]')}


def run(drive: Bag, output: Path, node: NodeProcess, domain: int, rate: float,
        progress: Callable[[int], None]) -> Run:
    """
    Replay the drive's camera to a node that is starting, and record its answers.

    Parameters
    ----------
    drive
        The bag to replay.
    output
        The bag to write: the camera's images and what the node publishes, in the drive's time.
    node
        The node.
    domain
        The node's ROS domain.
    rate
        Speed of the replay; 1 is real time.
    progress
        Called with the number of frames published.

    Raises
    ------
    NodeError
        The node ended, could not load its model, or answered nothing.

    """
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    try:
        session = _Session(drive, output, node, context, rate, progress)
        return session.run()
    finally:
        context.try_shutdown()


class _Session:
    """The demo's own node; it is the camera and the listener."""

    def __init__(self, drive: Bag, output: Path, process: NodeProcess, context: Context,
                 rate: float, progress: Callable[[int], None]) -> None:
        self._drive = drive
        self._process = process
        self._progress = progress
        self._output = output
        self._stop = threading.Event()
        self._run = Run()
        self._published_at: list[int] = []
        self._reports = 0
        self._node = rclpy.create_node('demo', context=context, enable_rosout=False,
                                       start_parameter_services=False)
        self._replay = Replay(drive, self._node, Selection([CAMERA], clock=True), rate,
                              on_publish=self._publish)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self._recorder: Recorder | None = None

    def run(self) -> Run:
        with BagWriter(self._output, overwrite=True) as writer:
            writer.add_topic(CAMERA, IMAGE)
            self._recorder = Recorder(self._node, writer, RECORDED, self._replay.now,
                                      self._receive)
            threads = [threading.Thread(target=target, daemon=True)
                       for target in (self._spin, self._watch)]
            for thread in threads:
                thread.start()
            try:
                self._wait_until_ready()
                self._run.lateness = self._replay.run(self._stop)
                self._process.check()
                self._wait_for_answers()
            finally:
                self._stop.set()
                for thread in threads:
                    thread.join()
                self._executor.shutdown()
                self._recorder.close()
                self._node.destroy_node()
            # only afterwards, because compressing images would take time from the node
            for record, now in zip(self._drive.messages([CAMERA]), self._published_at,
                                   strict=True):
                writer.write(CAMERA, now, record.data)
        self._run.lost = sum(counts.lost for counts in self._recorder.counts.values())
        return self._run

    def _spin(self) -> None:
        # shutdown() from another thread may leave spin() waiting for good
        with suppress(ExternalShutdownException):
            while not self._stop.is_set():
                self._executor.spin_once(0.2)

    def _watch(self) -> None:
        """End the replay when the node has ended."""
        while not self._stop.wait(0.1):
            if not self._process.alive:
                self._stop.set()

    def _publish(self, record: Record, now: int) -> None:
        self._published_at.append(now)
        self._run.published[_stamp(record.data)] = time.monotonic()
        self._progress(len(self._run.published))

    def _receive(self, topic: str, data: bytes) -> None:
        if topic == PANOPTIC:
            self._run.answered[_stamp(data)] = time.monotonic()
        elif topic == OBJECTS:
            self._run.objects += 1
        elif topic == DIAGNOSTICS:
            self._take_diagnostics(deserialize_message(data, DiagnosticArray))

    def _take_diagnostics(self, message: DiagnosticArray) -> None:
        prefix = f'{NODE[1:]}: '
        for status in message.status:
            if status.name.startswith(prefix):
                name = status.name.removeprefix(prefix)
                self._run.statuses[name] = {item.key: item.value for item in status.values}
                self._reports += name == 'frames'
                if name == 'engine' and status.level == DiagnosticStatus.ERROR:
                    self._run.faults.append(status.message)

    def _wait_until_ready(self) -> None:
        """Wait until the node is active and subscribes, and all topics have met."""
        assert self._recorder is not None
        deadline = time.monotonic() + START_TIMEOUT
        while not (self._replay.subscribers(CAMERA)
                   and self._recorder.counts[RECORDED[0].name].received
                   and all(self._recorder.publishers(topic.name) for topic in RECORDED)):
            self._process.check()
            if self._run.faults:
                raise NodeError(f'the node cannot start: {self._run.faults[0]}'
                                f'{self._process.last_words()}')
            if time.monotonic() > deadline:
                raise NodeError(f'the node did not subscribe to {CAMERA} within '
                                f'{START_TIMEOUT:g} s{self._process.last_words()}')
            time.sleep(0.05)
        self._replay.wait_for_subscribers([CAMERA], stop=self._stop)

    def _wait_for_answers(self) -> None:
        """Wait until the node says that it has finished with every frame that it received."""
        run, deadline = self._run, time.monotonic() + _PATIENCE
        begun = self._reports       # the next may have been made before the last frame
        while not (self._reports >= begun + 2 and _is_idle(run.frames)):
            self._process.check()
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        if not run.answered:
            known = f': {run.faults[0]}' if run.faults else ''
            raise NodeError(f'the node answered none of {len(run.published)} frames{known}'
                            f'{self._process.last_words()}')


def _is_idle(frames: dict[str, int]) -> bool:
    return bool(frames) and frames['received'] == sum(
        count for name, count in frames.items() if name != 'received')


def _stamp(data: bytes) -> int:
    """Return the stamp of a serialised message that begins with a header; little endian."""
    seconds, nanoseconds = _STAMP.unpack_from(data, 4)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)
