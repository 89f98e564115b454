"""What the node says about its stages on ``~/statistics``, for programs to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from .channel import Channel


def stage_statistics(channels: Sequence[Channel]) -> list[DiagnosticStatus]:
    """
    Return the latency of every stage of every camera, over the window of its last frames.

    A status is named after its stage, with several cameras CAMERA/STAGE; its values are those of
    a ``statistics_msgs/MetricsMessage``, which not every ROS installation has: ``unit``,
    ``window`` in seconds, ``samples``, and ``p50``, ``p99`` and ``max`` in the unit.
    """
    statuses = []
    for channel in channels:
        prefix = f'{channel.name}/' if channel.name else ''
        shared = {'unit': 's', 'window': f'{channel.latency.seconds:.3f}',
                  'samples': str(len(channel.latency))}
        for stage, times in channel.latency.summary().items():
            values = shared | {name: f'{value:.6f}' for name, value in asdict(times).items()}
            statuses.append(DiagnosticStatus(name=f'{prefix}{stage}', values=[
                KeyValue(key=key, value=value) for key, value in values.items()]))
    return statuses
