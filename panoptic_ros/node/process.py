"""The process around the node: arguments, signals, executor, exit code."""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import re
import select
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from threading import Event, Thread
from typing import TYPE_CHECKING, NoReturn

from ..memory import keep_large_buffers, use_large_buffers

if TYPE_CHECKING:
    from .mishaps import GuardedExecutor
    from .panoptic_node import PanopticNode

PARAMETER_BYTES = 1 << 18
"""Most bytes of a parameter file; rcl's time grows with their square, and rcl ignores signals."""


SIGNALS = (signal.SIGINT, signal.SIGTERM)

DEADLINE = 1.5
"""Seconds for an orderly end; then the process ends even in the middle of a build."""


class Signals:
    """
    Waits for a signal in a thread of its own, from its construction on.

    A Python handler would wait for the main thread, which may be busy inside a library.
    """

    def __init__(self) -> None:
        self.received = Event()
        self.exit_code = 0
        """The exit code of the process if an orderly end does not come in time."""
        self._stop: Callable[[], object] | None = None
        self._reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)
        Thread(target=self._wait, name='signals', daemon=True).start()

    def end_with(self, stop: Callable[[], object]) -> None:
        """Set the function that begins the orderly end; without it, a signal ends at once."""
        self._stop = stop

    def _wait(self) -> None:
        os.read(self._reader, 1)
        self.received.set()
        if self._stop is not None:
            with suppress(Exception):       # the orderly end may have come meanwhile
                self._stop()
            select.select([self._reader], [], [], DEADLINE)     # a second signal does not wait
        os._exit(self.exit_code)


def run(argv: Sequence[str]) -> int:
    """
    Run the node until SIGINT or SIGTERM.

    Parameters
    ----------
    argv
        The command line without the program's name.

    Returns
    -------
    The exit code: 0 after a signal and when ``build_only`` has built, 1 when that failed or was
    interrupted and when a node that is ``required`` cannot start itself, 2 when an argument or a
    parameter given at the start is refused.

    """
    signals = Signals()
    signals.exit_code = int('build_only:=true' in argv)     # an interrupted build has failed
    keep_large_buffers()
    use_large_buffers()
    import rclpy
    from rclpy.logging import get_logger

    started = _start(argv, signals.received)
    if started is None:
        gc.collect()    # what there is of the node leaves DDS before the process vanishes
        return 2
    node, executor = started
    executor.add_node(node)
    built = True
    if node.build_only:
        signals.exit_code = 1
        signals.end_with(lambda: None)
        built = node.build()
    else:
        # spin_until_future_complete would keep an object for every callback
        signals.end_with(lambda: executor.create_task(lambda: None))
        while not (signals.received.is_set() or node.is_given_up):
            executor.spin_once()
    given_up = node.is_given_up and not signals.received.is_set()
    if given_up:
        get_logger('panoptic_node').fatal('required is true, and the node cannot start: it ends')
    node.shut_down()
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown()
    return 0 if built and not given_up else 1


def _start(argv: Sequence[str], ending: Event) -> tuple[PanopticNode, GuardedExecutor] | None:
    """Return the node and its executor; None, and say why, if it cannot start."""
    import rclpy
    from rclpy.logging import get_logger
    from rclpy.signals import SignalHandlerOptions
    from rclpy.utilities import remove_ros_args

    from .mishaps import GuardedExecutor
    from .panoptic_node import PanopticNode

    try:
        _check_parameter_files(argv)
        _parser().parse_args(remove_ros_args(argv))
        rclpy.init(args=list(argv), signal_handler_options=SignalHandlerOptions.NO)
        node = PanopticNode(ending)
        return node, GuardedExecutor(node.mishaps)
    except Exception as error:      # rcl and rclpy raise errors of many kinds
        get_logger('panoptic_node').fatal(f'cannot start: {_cause(error)}')
        return None


def leave(code: int) -> NoReturn:
    """
    End the process after ``run``, which has released everything that other processes see.

    On a busy machine, the interpreter would take seconds to end, and would ignore signals
    meanwhile.  So ``ros2 launch`` would kill it and report a failure.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)      # rcl writes its log to C streams
    os._exit(code)


def _check_parameter_files(argv: Sequence[str]) -> None:
    for option, file in pairwise(argv):
        if option != '--params-file' or not os.path.isfile(file):
            continue
        if (size := os.path.getsize(file)) > PARAMETER_BYTES:
            raise ValueError(f'parameter file {file} has {size} bytes: expected at most '
                             f'{PARAMETER_BYTES}; leave out what is meant for other nodes')


def _cause(error: Exception) -> str:
    """Return an error's text in one line, without the places in rcl's source."""
    from .mishaps import publishable
    text = publishable(re.sub(r', at \S+:\d+', '', ' '.join(str(error).split())))
    if text.endswith('logging directory'):
        return 'ROS has no folder for its log: set HOME, ROS_HOME or ROS_LOG_DIR'
    known = isinstance(error, (ValueError, RuntimeError)) or (
        type(error).__module__.startswith('rclpy'))
    return text if known and ' ' in text else f'{type(error).__name__}: {text}'


def _parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog='panoptic_node',
        description='Segment camera images: image in, ~/panoptic, ~/objects and more out.',
        epilog='Everything else follows --ros-args: -r image:=/front/image_raw for the camera, '
               '-p model:=FILE for the model, --params-file for a file like '
               'share/panoptic_ros/config/panoptic.yaml, which describes every parameter.')
