"""A camera that cannot subscribe again costs the report of nobody."""

from types import SimpleNamespace
from unittest.mock import Mock

from panoptic_ros.node import reporter as module
from panoptic_ros.node.camera import Counts
from panoptic_ros.node.mishaps import Mishaps
from panoptic_ros.node.reporter import Reporter


def test_the_other_cameras_are_reported(monkeypatch):
    monkeypatch.setattr(module.diagnostics, 'channel_statuses', lambda channel, *_: [channel.name])
    monkeypatch.setattr(module, 'look_at', lambda *_: Mock())
    monkeypatch.setattr(module, 'Teller', Mock())
    channels = [SimpleNamespace(name=name, camera=Mock(
        started=0.0, counts=Counts(), topic=f'/{name}/image', silence=0.0, last_arrival=1.0))
        for name in ('front', 'rear')]
    channels[0].camera.adapt.side_effect = RuntimeError('no room for a subscription')
    mishaps = Mishaps(Mock())
    reporter = Reporter(Mock(), mishaps)
    settings = SimpleNamespace(stall_timeout=2.0)
    assert reporter._channel_statuses(Mock(channels=channels), settings) == ['front', 'rear']
    assert 'no room' in mishaps.lately()['subscription /front/image']
