"""Everything that exists while the node is configured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

from rclpy.node import Node

from ..segmenter import Segmenter
from .camera import Camera, Frame
from .loading import open_segmenter
from .log import ThrottledLog
from .outputs import CameraOutputs
from .parameters import Settings
from .pipeline import Pipeline
from .worker import Worker

PATIENCE = 10.0
"""Seconds that a transition waits for the frame at work, far beyond any that still runs."""


class Session:
    """
    A loaded model with its worker, camera and outputs, from configure to cleanup.

    Parameters
    ----------
    node
        The node that publishes and subscribes.
    settings
        Returns the parameters' present values.

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

    def __init__(self, node: Node, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._log = node.get_logger()
        self._ending = Event()
        self._worker = Worker(self._load, self._serve)
        segmenter = self._worker.start()
        self.camera = Camera(node, settings().image_transport, self._receive)
        try:
            self.outputs = CameraOutputs(node)
        except Exception:       # whatever it is, the worker must not keep the model
            self._worker.stop(PATIENCE)
            raise
        self.pipeline = Pipeline(self.camera, self.outputs, settings, segmenter.options,
                                 ThrottledLog(node.get_logger()))
        self._label_space = segmenter.label_space
        metadata = segmenter.metadata
        self.description: dict[str, object] = {
            'model': self.model, 'runtime': segmenter.description, 'network': metadata.network,
            'input': '{1}x{0}'.format(*metadata.input_size),
            'label space': self._label_space.name,
            'label divisor': self._label_space.label_divisor,
            'load time [s]': f'{self._worker.load_time:.2f}'}

    @property
    def model(self) -> Path:
        """The file of the model."""
        return self._settings().model_path()

    def activate(self) -> None:
        """Publish the names of the classes, then take images."""
        self.outputs.publish_label_info(self._label_space)
        self.camera.start()

    def deactivate(self) -> None:
        """
        Stop taking images and finish the frame at work.

        Raises
        ------
        TimeoutError
            The engine hangs.

        """
        self.camera.stop()
        dropped, finished = self._worker.drain(PATIENCE)
        self.camera.counts.dropped += dropped
        if not finished:
            raise TimeoutError(f'the engine has not finished a frame for {PATIENCE:.0f} s: '
                               'restart the node')

    def close(self) -> None:
        """
        Release the model and take the topics off the graph.

        Raises
        ------
        TimeoutError
            The engine hangs.

        """
        self.camera.stop()
        self._ending.set()
        ended = self._worker.stop(PATIENCE)
        self.outputs.destroy()
        if not ended:
            raise TimeoutError(f'the engine has not ended within {PATIENCE:.0f} s: '
                               'restart the node')

    def _load(self) -> Segmenter:
        return open_segmenter(self._settings(), self._log.info, self._ending.is_set)

    def _receive(self, frame: Frame) -> None:
        self.camera.counts.dropped += self._worker.put(frame)

    def _serve(self, segmenter: Segmenter, frame: Frame) -> None:
        self.pipeline.serve(segmenter, frame)
