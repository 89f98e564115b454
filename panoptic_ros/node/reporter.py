"""What the node publishes about itself: /diagnostics, and ~/statistics latched."""

from __future__ import annotations

import time
from collections.abc import Sequence

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from . import diagnostics
from .condition import Teller, look_at
from .image_topic import ImageTopic
from .large_images import return_memory
from .memory import read_memory
from .mishaps import Mishaps
from .parameters import Settings
from .session import Session
from .statistics import stage_statistics
from .surplus import Surplus
from .tally import Tally


class Reporter:
    """
    Publishes how the node is, whenever it is asked to.

    Parameters
    ----------
    node
        The node that publishes.
    mishaps
        What went wrong in its callbacks.

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
        self._tallies: dict[str, Tally] = {}
        self._tellers: dict[str, Teller] = {}

    def report(self, session: Session | None, state: str, fault: str | None,
               settings: Settings) -> None:
        """
        Publish how everything is, and the statistics of a session.

        ``state`` is the node's, ``fault`` why it is not active though it should be.
        """
        self._surplus.look(max((channel.take_largest() for channel in session.channels),
                               default=0) if session else 0, time.perf_counter())
        if session is None:
            self._report_absence(fault, f'no model loaded: {state}', state, settings)
            return
        self._publish([
            diagnostics.engine_status(fault, session.server.failure, 'ready', {
                'state': state, **session.description,
                **diagnostics.build_age(str(session.description.get('built', '')))},
                hanging=seconds if (seconds := session.server.engine_time)
                > settings.label_timeout else 0.0),
            diagnostics.memory_status(read_memory(), session.server.gpu_memory),
            *self._channel_statuses(session, settings)])
        self._statistics.publish(self._message(stage_statistics(session.channels)))

    def report_loading(self, progress: str, fault: str | None, settings: Settings) -> None:
        """Publish how far a load is, for which the executor waits; ``fault`` is an earlier one."""
        self._report_absence(fault, progress, 'configuring', settings)

    def report_mishaps(self) -> None:
        """Publish what went wrong in callbacks, alone: the report itself did."""
        self._publish([])

    def _report_absence(self, fault: str | None, progress: str, state: str,
                        settings: Settings) -> None:
        statuses = [diagnostics.engine_status(fault, None, progress, {
            'state': state, 'progress': progress, 'requested model': settings.model,
            'runtime': f'none yet: runtime is {settings.runtime}'}),
            diagnostics.memory_status(read_memory(), None)]
        for name, transport in settings.every_camera():
            topic = ImageTopic(self._node, name, transport).name
            statuses += diagnostics.absent_statuses(name, topic, transport)
        self._publish(statuses)

    def _channel_statuses(self, session: Session, settings: Settings) -> list[DiagnosticStatus]:
        if session is not self._session:
            self._session = session
            self._tallies = {channel.name: Tally(channel.camera.started)
                             for channel in session.channels}
            self._tellers = {channel.name: Teller(self._node.get_logger(), channel.camera.topic)
                             for channel in session.channels}
        statuses = []
        for channel in session.channels:
            camera = channel.camera
            with self._mishaps.survived(f'subscription {camera.topic}'):    # the others go on
                camera.adapt()
            coming = (camera.active and camera.last_arrival is not None
                      and camera.silence <= settings.stall_timeout)
            lately = self._tallies[channel.name].look(camera.counts, time.perf_counter(), coming)
            condition = look_at(channel, lately, settings)
            self._tellers[channel.name].tell(condition, settings.stall_timeout)
            statuses += diagnostics.channel_statuses(channel, condition, lately, settings)
        return statuses

    def _publish(self, statuses: Sequence[DiagnosticStatus]) -> None:
        statuses = [*statuses, diagnostics.callbacks_status(self._mishaps)]
        for status in statuses:
            status.name = f'{self._name}: {status.name}'
        self._diagnostics.publish(self._message(statuses))

    def _message(self, statuses: Sequence[DiagnosticStatus]) -> DiagnosticArray:
        message = DiagnosticArray(status=statuses)
        message.header.stamp = self._node.get_clock().now().to_msg()
        for status in message.status:
            status.hardware_id = status.hardware_id or self._name
        return message
