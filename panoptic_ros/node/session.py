"""Everything that exists while the node is configured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Event

from rclpy.node import Node

from .. import tracking
from ..labels import LabelSpace
from ..segmenter import Segmenter
from .camera import Camera, Frame
from .channel import Channel
from .frame_server import FrameServer
from .loading import open_segmenter
from .log import ThrottledLog
from .mishaps import Mishaps
from .outputs import CameraOutputs
from .parameters import Settings
from .work import Work
from .worker import Worker

PATIENCE = 10.0
"""Seconds that a transition waits for the frame at work, far beyond any that still runs."""


class Session:
    """
    A loaded model with its worker, cameras and outputs, from configure to cleanup.

    Parameters
    ----------
    node
        The node that publishes and subscribes.
    settings
        Returns the parameters' present values.
    ending
        Set when the process shall end, which ends a build.
    loading
        Receives about once a second, while the model loads, how far that is.
    mishaps
        Are told what the worker survived.

    Raises
    ------
    FileNotFoundError
        There is no model of that name.
    ModelError
        The file is not a model that keeps the engine contract.
    ImportError
        The runtime for that kind of model is not installed.
    RuntimeError
        A QoS override is not valid.

    """

    def __init__(self, node: Node, settings: Callable[[], Settings], ending: Event,
                 loading: Callable[[str], None], mishaps: Mishaps) -> None:
        self._settings = settings
        self._log = node.get_logger()
        self._ending = ending
        self._phase, self._reason = f'loading {self.model.name}', ''
        self._worker = Worker(self._load, mishaps.surviving('worker', self._serve, ()))
        segmenter = self._worker.start(
            lambda seconds: loading(f'{self._phase} ({seconds:.0f} s)'))
        self.channels: list[Channel] = []
        try:
            self._add_channels(node, segmenter.label_space)
        except Exception:       # whatever it is, nothing of it may stay
            self.close()
            raise
        self.server = FrameServer(settings, segmenter.options)
        self._label_space = segmenter.label_space
        metadata = segmenter.metadata
        self.description: dict[str, object] = {
            'model': self.model, 'runtime': self._runtime(segmenter), **segmenter.about,
            'network': metadata.network,
            'input': '{1}x{0}'.format(*metadata.input_size),
            'label space': self._label_space.name,
            'label divisor': self._label_space.label_divisor,
            'load time [s]': f'{self._worker.load_time:.2f}'}
        self._log.info(f'{self.model} loaded in {self._worker.load_time:.2f} s: '
                       f'{segmenter.description}')

    @property
    def model(self) -> Path:
        """The file of the model."""
        return self._settings().model_path()

    def activate(self) -> None:
        """Publish the names of the classes, then take images."""
        for channel in self.channels:
            channel.outputs.publish_label_info(self._label_space)
            channel.at_work = None
            channel.camera.start()

    def deactivate(self) -> None:
        """
        Stop taking images and finish the frame at work.

        Raises
        ------
        TimeoutError
            The engine hangs.

        """
        self.stop_cameras()
        dropped, finished = self._worker.drain(PATIENCE)
        for channel in dropped:
            channel.camera.counts.dropped += 1
            channel.at_work = None      # it may have been away, being decoded
        if not finished:
            raise TimeoutError(f'the engine has not finished a frame for {PATIENCE:.0f} s: '
                               'restart the node')

    def stop_cameras(self) -> None:
        """Take no more images."""
        for channel in self.channels:
            channel.camera.stop()

    def close(self) -> None:
        """
        Release the model and take the topics off the graph.

        Raises
        ------
        TimeoutError
            The engine hangs.

        """
        self.stop_cameras()
        ended = self._worker.stop(PATIENCE)
        for channel in self.channels:
            channel.close()
        if not ended:
            raise TimeoutError(f'the engine has not ended within {PATIENCE:.0f} s: '
                               'restart the node')

    def _load(self) -> Segmenter:
        segmenter, self._reason = open_segmenter(self._settings(), self._log,
                                                 self._ending.is_set, self._enter)
        tracking.warm_up()
        return segmenter

    def _enter(self, phase: str) -> None:
        self._phase = phase

    def _runtime(self, segmenter: Segmenter) -> str:
        device = 'CPU' if segmenter.about.get('GPU', 'none') == 'none' else 'GPU'
        return f'{device} ({segmenter.description}): {self._reason}'

    def _add_channels(self, node: Node, label_space: LabelSpace) -> None:
        log = ThrottledLog(node.get_logger())
        for name, transport in self._settings().every_camera():
            camera = Camera(node, transport, name)
            outputs = CameraOutputs(node, f'~/{name}' if name else '~')
            channel = Channel(name, camera, outputs, tracking.Tracker(label_space), log)
            camera.on_frame = partial(self._receive, channel)
            self.channels.append(channel)
            camera.check()

    def _receive(self, channel: Channel, frame: Frame) -> None:
        channel.camera.counts.dropped += self._worker.put(channel, frame)

    def _serve(self, segmenter: Segmenter, works: Sequence[Work]) -> Sequence[Work]:
        return self.server.serve(segmenter, works)
