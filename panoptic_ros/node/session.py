"""The objects that exist while the node is configured: a model, its thread, and the cameras."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any

from rclpy.node import Node

from .. import tracking
from ..resources import PACKAGE
from ..segmenter import Segmenter, Setup
from .camera import Camera
from .mishaps import Mishaps, ThrottledLog
from .outputs import CameraOutputs
from .serving import Server
from .settings import Settings
from .subscription import ImageSubscription

PATIENCE = 10.0
"""Seconds that a transition waits for the frame at work, or longer if labels may take longer."""

PERIOD = 1.0
"""Seconds between two reports on a load."""


class Session:
    """
    A loaded model with its server and its cameras, from configure to cleanup.

    Parameters
    ----------
    node
        The node that publishes and subscribes.
    settings
        Returns the parameters' present values.
    ending
        Event that is set when the process shall end; it ends a build.
    loading
        Receives the progress in words about once a second while the model loads.
    mishaps
        Receives the errors that the server survived.
    recovers
        Whether a GPU was lost.  It may be away for a while, so no processor takes its place.

    Raises
    ------
    FileNotFoundError
        There is no model of that name.
    ModelError
        The file is not a model that keeps the engine contract.
    ImportError
        The runtime for that kind of model is not installed.
    DeviceError, BuildError, BuildCancelled
        As for ``Segmenter.open``.
    ValueError
        An option of another family than the model's is set.
    RuntimeError
        A QoS override is not valid.

    """

    def __init__(self, node: Node, settings: Callable[[], Settings], ending: Event,
                 loading: Callable[[str], None], mishaps: Mishaps, recovers: bool = False
                 ) -> None:
        self._settings, self._ending, self._log = settings, ending, node.get_logger()
        self._recovers = recovers
        self._model = settings().model_path()
        self._phase = f'loading {self._model.name}'
        self.server = Server(settings, mishaps)
        self.cameras: list[Camera] = []
        self._until_closed = ExitStack()
        self._until_closed.enter_context(_forwarded(self._log))
        try:
            self._segmenter = self._opened(loading)
            self.family = self._segmenter.family
            """The family of the model."""
            self._add_cameras(node)
        except Exception:       # after any error, everything is released
            self.close()
            raise
        self.description = self._describe(self._segmenter)
        """Facts about the engine for diagnostics."""
        self._log.info(f'{self._model} loaded in {self._load_time:.2f} s: '
                       f'{self._segmenter.description}')

    def activate(self) -> None:
        """Publish the names of the classes, then subscribe to images."""
        for camera in self.cameras:
            camera.outputs.publish_label_info(self._segmenter.label_space)
            camera.start()

    def deactivate(self) -> None:
        """
        Stop taking images and finish the frame at work.

        Raises
        ------
        TimeoutError
            The engine hangs.

        """
        self.stop_cameras()
        dropped, finished = self.server.mailbox.drain(self._patience)
        for camera in dropped:
            camera.drop()
        if not finished:
            raise TimeoutError(f'the engine has not finished a frame for {self._patience:.0f} s: '
                               'restart the node, or raise label_timeout if the model is so slow')

    def stop_cameras(self) -> None:
        """Unsubscribe from all images."""
        for camera in self.cameras:
            camera.stop()

    def close(self) -> None:
        """
        Release the model and take the topics off the graph.

        Raises
        ------
        TimeoutError
            The engine hangs.

        """
        self.stop_cameras()
        ended = self.server.stop(self._patience)
        self._until_closed.close()
        for camera in self.cameras:
            camera.close()
        if not ended:
            raise TimeoutError(f'the engine has not ended within {self._patience:.0f} s: '
                               'restart the node')

    @property
    def _patience(self) -> float:
        return max(PATIENCE, self._settings().label_timeout)

    def _opened(self, loading: Callable[[str], None]) -> Segmenter:
        """Start the server, and return its segmenter when that is there."""
        start = time.perf_counter()
        segmenter = self.server.start(self._load)
        while not wait([segmenter], PERIOD).done:
            loading(f'{self._phase} ({time.perf_counter() - start:.0f} s)')
        self._load_time = time.perf_counter() - start
        return segmenter.result()

    def _load(self) -> Segmenter:
        """Open the model and let it segment once, so that no frame has to wait for that."""
        settings = self._settings()
        device = 'gpu' if self._recovers and settings.device == 'auto' else settings.device
        segmenter = Segmenter.open(self._model, device, setup=Setup(
            threads=settings.threads, gpu=settings.gpu, precision=settings.precision,
            batch=max(1, len(settings.named_cameras())), cache=settings.cache_folder(),
            log=self._log.info, warn=self._log.warning, progress=self._tell_progress,
            cancelled=self._ending.is_set, accept=settings.check_family))
        try:
            segmenter.options = settings.options_of(segmenter.family, segmenter.recommended)
            segmenter.warm_up()
            tracking.warm_up()
        except BaseException:
            segmenter.close()
            raise
        return segmenter

    def _tell_progress(self, phase: str, share: float) -> None:
        self._phase = f'building the plan: {phase}, {share:.0%}'

    def _describe(self, segmenter: Segmenter) -> dict[str, object]:
        metadata, settings = segmenter.metadata, self._settings()
        device = 'CPU' if segmenter.about.get('GPU', 'none') == 'none' else 'GPU'
        # a plan runs on a GPU whatever ``runtime`` is, and its device is auto
        reason = 'it ran on a GPU before' if self._recovers else segmenter.reason
        if settings.device != 'auto':
            reason = f'runtime is {settings.runtime}'
        return {
            'model': self._model, 'runtime': f'{device} ({segmenter.description}): {reason}',
            **segmenter.about, 'family': metadata.family, 'network': metadata.network,
            'input': '{1}x{0}'.format(*metadata.input_size),
            'label space': metadata.label_space.name,
            'label divisor': metadata.label_space.label_divisor,
            'load time [s]': f'{self._load_time:.2f}'}

    def _add_cameras(self, node: Node) -> None:
        log = ThrottledLog(self._log)
        for name, transport in self._settings().every_camera():
            camera = Camera(name, ImageSubscription(node, transport, name),
                            CameraOutputs(node, f'~/{name}' if name else '~'),
                            tracking.Tracker(self._segmenter.label_space), self.server.mailbox,
                            node.get_clock(), log)
            self.cameras.append(camera)
            camera.subscription.check()


@contextmanager
def _forwarded(log: Any) -> Iterator[None]:
    """Write the package's warnings, such as that about an untrusted file, to the node's log."""
    class Forward(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log.warning(record.getMessage())

    logger, forward = logging.getLogger(PACKAGE), Forward(logging.WARNING)
    logger.addHandler(forward)
    try:
        yield
    finally:
        logger.removeHandler(forward)
