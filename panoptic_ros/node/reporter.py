"""What the node publishes about itself: /diagnostics, and ~/statistics latched."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from . import diagnostics
from .camera import Counts
from .memory import read_memory
from .parameters import Settings
from .session import Session
from .statistics import stage_statistics


class Reporter:
    """
    Publishes how the node is, whenever it is asked to.

    Parameters
    ----------
    node
        The node that publishes.

    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._name = node.get_fully_qualified_name().lstrip('/')
        self._diagnostics = node.create_publisher(DiagnosticArray, '/diagnostics', 1)
        self._statistics = node.create_publisher(
            DiagnosticArray, '~/statistics',
            QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL),
            qos_overriding_options=QoSOverridingOptions.with_default_policies())
        self._session: Session | None = None
        self._reported: dict[str, Counts] = {}
        self._reported_at = time.perf_counter()

    def report(self, session: Session | None, state: str, fault: str | None,
               settings: Settings) -> None:
        """
        Publish how everything is, and the statistics of a session.

        ``state`` is the node's, ``fault`` why the model could not be loaded.
        """
        memory = diagnostics.memory_status(
            read_memory(), session.pipeline.gpu_memory if session else None)
        if session is None:
            self._publish([diagnostics.engine_status(fault, None, state, {
                'state': state, 'requested model': settings.model}), memory])
            return
        self._publish([
            diagnostics.engine_status(None, session.pipeline.failure, state, {
                'state': state, **session.description,
                **diagnostics.build_age(str(session.description.get('built', '')))}),
            memory, *self._channel_statuses(session, settings)])
        self._statistics.publish(self._message(stage_statistics(session.channels)))

    def report_build(self, progress: str, settings: Settings) -> None:
        """Publish how far a build is, for which the executor waits; in the worker's thread."""
        self._publish([diagnostics.engine_status(None, None, progress, {
            'state': 'configuring', 'requested model': settings.model})])

    def _channel_statuses(self, session: Session, settings: Settings) -> list[DiagnosticStatus]:
        if session is not self._session:
            self._session, self._reported = session, {}
            self._reported_at = min(channel.camera.started for channel in session.channels)
        now = time.perf_counter()
        seconds, self._reported_at = now - self._reported_at, now
        statuses = []
        for channel in session.channels:
            channel.camera.adapt()
            channel.camera.notice_stall(settings.stall_timeout)
            before = self._reported.get(channel.name, Counts())
            self._reported[channel.name] = replace(channel.camera.counts)
            statuses += diagnostics.channel_statuses(channel, before, seconds, settings)
        return statuses

    def _publish(self, statuses: Sequence[DiagnosticStatus]) -> None:
        for status in statuses:
            status.name = f'{self._name}: {status.name}'
        self._diagnostics.publish(self._message(statuses))

    def _message(self, statuses: Sequence[DiagnosticStatus]) -> DiagnosticArray:
        message = DiagnosticArray(status=statuses)
        message.header.stamp = self._node.get_clock().now().to_msg()
        for status in message.status:
            status.hardware_id = self._name
        return message
