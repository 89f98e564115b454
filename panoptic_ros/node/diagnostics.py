"""What the node publishes about itself: /diagnostics, and ~/statistics, which is latched."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from ..memory import Memory, Surplus, read_memory, return_memory
from .camera import Camera
from .condition import (
    ERROR,
    OK,
    WARN,
    Condition,
    Teller,
    camera_status,
    counts_status,
    latency_status,
    look_at,
    new_status,
)
from .mishaps import Mishaps
from .record import Lately, Tally
from .session import Session
from .settings import Settings
from .subscription import ImageTopic

SCARCE = 0.05
"""Share of free memory below which diagnostics warn, because an allocation may soon fail."""


class Reporter:
    """
    Publishes the condition of the node whenever it is called.

    Parameters
    ----------
    node
        The node that publishes.
    mishaps
        The errors of the node's callbacks.

    """

    def __init__(self, node: Node, mishaps: Mishaps) -> None:
        self._node, self._mishaps = node, mishaps
        self._name = node.get_fully_qualified_name().lstrip('/')
        self._diagnostics = node.create_publisher(DiagnosticArray, '/diagnostics', 1)
        self._statistics = node.create_publisher(
            DiagnosticArray, '~/statistics',
            QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL),
            qos_overriding_options=QoSOverridingOptions.with_default_policies())
        self._surplus = Surplus(return_memory)
        self._session: Session | None = None
        self._tallies: dict[Camera, Tally] = {}
        self._tellers: dict[Camera, Teller] = {}

    def report(self, session: Session | None, state: str, fault: str | None,
               settings: Settings) -> None:
        """
        Publish all statuses, and the statistics of a session.

        ``state`` is the node's state.  ``fault`` is the reason why the node is not active although
        it should be.
        """
        self._surplus.look(max((camera.take_largest() for camera in session.cameras),
                               default=0) if session else 0, time.perf_counter())
        if session is None:
            self._report_absence(fault, f'no model loaded: {state}', state, settings)
            return
        seconds = session.server.engine_time
        self._publish([
            engine_status(fault, session.server.failure, 'ready', {
                'state': state, **session.description,
                **build_age(str(session.description.get('built', '')))},
                hanging=seconds if seconds > settings.label_timeout else 0.0),
            memory_status(read_memory(), session.server.gpu_memory),
            *self._camera_statuses(session, settings)])
        self._statistics.publish(self._message(stage_statistics(session.cameras)))

    def report_loading(self, progress: str, fault: str | None, settings: Settings) -> None:
        """Publish the progress of a load; ``fault`` is the reason of an earlier failure."""
        self._report_absence(fault, progress, 'configuring', settings)

    def report_mishaps(self) -> None:
        """Publish only the errors of callbacks, because the report itself failed."""
        self._publish([])

    def _report_absence(self, fault: str | None, progress: str, state: str,
                        settings: Settings) -> None:
        statuses = [engine_status(fault, None, progress, {
            'state': state, 'progress': progress, 'requested model': settings.model,
            'runtime': f'none yet: runtime is {settings.runtime}'}),
            memory_status(read_memory(), None)]
        for name, transport in settings.every_camera():
            topic = ImageTopic(self._node, name, transport).name
            statuses += absent_statuses(name, topic, transport)
        self._publish(statuses)

    def _camera_statuses(self, session: Session, settings: Settings) -> list[DiagnosticStatus]:
        if session is not self._session:
            self._session = session
            self._tallies = {camera: Tally(camera.started) for camera in session.cameras}
            self._tellers = {camera: Teller(self._node.get_logger(),
                                            camera.subscription.topic.name)
                             for camera in session.cameras}
        statuses = []
        for camera in session.cameras:
            source = camera.subscription
            with self._mishaps.survived(f'subscription {source.topic.name}'):  # the others go on
                source.adapt()
            coming = (source.active and camera.last_arrival is not None
                      and camera.silence <= settings.stall_timeout)
            lately = self._tallies[camera].look(camera.counts, time.perf_counter(), coming)
            condition = look_at(camera, lately, settings)
            self._tellers[camera].tell(condition, settings.stall_timeout)
            statuses += camera_statuses(camera, condition, lately, settings)
        return statuses

    def _publish(self, statuses: Sequence[DiagnosticStatus]) -> None:
        statuses = [*statuses, callbacks_status(self._mishaps)]
        for status in statuses:
            status.name = f'{self._name}: {status.name}'
        self._diagnostics.publish(self._message(statuses))

    def _message(self, statuses: Sequence[DiagnosticStatus]) -> DiagnosticArray:
        message = DiagnosticArray(status=statuses)
        message.header.stamp = self._node.get_clock().now().to_msg()
        for status in message.status:
            status.hardware_id = status.hardware_id or self._name
        return message


def camera_statuses(camera: Camera, condition: Condition, lately: Lately,
                    settings: Settings) -> list[DiagnosticStatus]:
    """Return the statuses of a camera: its condition, its latency and its frames."""
    latency, now = camera.latency, time.perf_counter()
    return _named(camera.name, [
        camera_status(camera, condition, lately.received_rate, settings),
        latency_status(latency.summary(), len(latency), settings.latency_limit,
                       camera.worked(now)),
        counts_status(lately, settings, camera.subscription.reliability)])


def absent_statuses(name: str, topic: str, transport: str) -> list[DiagnosticStatus]:
    """
    Return the same statuses for a camera while the node is not configured.

    Without them, monitors would show the former statuses as stale.
    """
    return _named(name, [
        new_status('camera', OK, 'not configured', {'topic': topic, 'transport': transport},
                   topic),
        *(new_status(kind, OK, 'not configured', {}) for kind in ('latency', 'frames'))])


def _named(name: str, statuses: list[DiagnosticStatus]) -> list[DiagnosticStatus]:
    for status in statuses:
        status.name += f' {name}' if name else ''
    return statuses


def engine_status(fault: str | None, failure: str | None, progress: str,
                  values: Mapping[str, object], hanging: float = 0.0) -> DiagnosticStatus:
    """
    Return the status of the engine.

    Parameters
    ----------
    fault
        Why the model could not be loaded, or why the node could not be activated; or None.
    failure
        Why the last frame was lost; or None.
    progress
        The message if all is well.
    values
        Further facts about the engine.
    hanging
        Seconds for which a frame has been at work, if they are too many; else 0.

    """
    gpu = values.get('GPU', '')
    if fault is not None:
        level, text = ERROR, fault
    elif hanging:
        level, text = ERROR, (
            f'a frame has been at work for {hanging:.1f} s: the model hangs, or this machine is '
            'too slow for it; if it does not end, start the node again with another model')
    elif failure is not None:
        level, text = ERROR, f'the last frame was lost: {failure}'
    else:
        level, text = OK, progress
    return new_status('engine', level, text, values, 'CPU' if gpu == 'none' else str(gpu))


def build_age(built: str) -> dict[str, str]:
    """Return the age of a plan that was built at a time in ISO 8601; nothing without a time."""
    try:
        then = datetime.fromisoformat(built)
    except ValueError:
        return {}
    age = datetime.now(timezone.utc) - (then if then.tzinfo else then.replace(tzinfo=timezone.utc))
    return {'age of build [h]': f'{age.total_seconds() / 3600:.1f}'}


def memory_status(memory: Memory, gpu: tuple[int, int] | None) -> DiagnosticStatus:
    """Return the status of the memory; ``gpu`` is a GPU's free and total bytes, or None."""
    parts = {'resident': memory.resident, 'peak resident': memory.peak,
             'available': memory.available, 'total': memory.total}
    if gpu is not None:
        parts |= {'GPU used': gpu[1] - gpu[0], 'GPU total': gpu[1]}
    values = {f'{name} [MB]': f'{number / 1e6:.0f}' for name, number in parts.items()
              if number is not None}
    text = ', '.join(f'{values[f"{name} [MB]"]} MB {name}' for name in ('resident', 'GPU used')
                     if f'{name} [MB]' in values)
    if memory.available is not None and memory.total and (
            memory.available < SCARCE * memory.total):
        return new_status('memory', WARN, f'{text}: the machine has hardly any left', values)
    if gpu is not None and gpu[0] < SCARCE * gpu[1]:
        return new_status('memory', WARN, f'{text}: the GPU has hardly any left', values)
    return new_status('memory', OK, text, values)


def callbacks_status(mishaps: Mishaps) -> DiagnosticStatus:
    """Return the status of the callbacks, with errors that happened a short while ago."""
    lately = mishaps.lately()
    text = '; '.join(f'{callback}: {cause}' for callback, cause in lately.items())
    return new_status('callbacks', ERROR if lately else OK, text or 'none fails',
                   {**lately, 'since the start': mishaps.count})


def stage_statistics(cameras: Sequence[Camera]) -> list[DiagnosticStatus]:
    """
    Return the latency of every stage of every camera, over the window of its last frames.

    A status is named STAGE, or CAMERA/STAGE if there are several cameras.  Its values are those
    of a ``statistics_msgs/MetricsMessage``: ``unit``, ``window`` in seconds, ``samples``, and
    ``p50``, ``p99`` and ``max`` in the unit.  That message itself is not in every ROS
    installation.
    """
    statuses = []
    for camera in cameras:
        prefix = f'{camera.name}/' if camera.name else ''
        shared = {'unit': 's', 'window': f'{camera.latency.seconds:.3f}',
                  'samples': str(len(camera.latency))}
        for stage, times in camera.latency.summary().items():
            values = shared | {name: f'{value:.6f}' for name, value in asdict(times).items()}
            statuses.append(DiagnosticStatus(name=f'{prefix}{stage}', values=[
                KeyValue(key=key, value=value) for key, value in values.items()]))
    return statuses
