"""The process around the node: signals, executor, exit code."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from threading import Event, Thread

from .large_images import keep_large_buffers, use_large_segments

SIGNALS = (signal.SIGINT, signal.SIGTERM)

DEADLINE = 1.5
"""Seconds for an orderly end; then the process ends as it is, say in the middle of a build."""

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
    interrupted, 2 when a parameter given at the start is refused.

    """
    signals = _catch_signals()
    keep_large_buffers()
    use_large_segments()
    import rclpy
    from rclpy.exceptions import ParameterException
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.logging import get_logger
    from rclpy.signals import SignalHandlerOptions
    from rclpy.task import Future
    from rclpy.utilities import remove_ros_args

    from .panoptic_node import PanopticNode

    _parser().parse_args(remove_ros_args(argv))
    stopped: Future = Future()
    ending, building = Event(), Event()

    def stop() -> None:
        ending.set()
        stopped.set_result(None)

    _on_signal(signals, stop, lambda: int(building.is_set()))
    rclpy.init(args=list(argv), signal_handler_options=SignalHandlerOptions.NO)
    executor = SingleThreadedExecutor()
    try:
        node = PanopticNode(ending)
    except (ParameterException, ValueError) as error:
        get_logger('panoptic_node').fatal(f'cannot start: {error}')
        return 2
    executor.add_node(node)
    built = True
    if node.build_only:
        building.set()
        built = node.build()
    else:
        executor.spin_until_future_complete(stopped)
    node.shut_down()
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown()
    return 0 if built else 1


def _parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog='panoptic_node',
        description='Segment camera images: image in, ~/panoptic, ~/objects and more out.',
        epilog='Everything else follows --ros-args: -r image:=/front/image_raw for the camera, '
               '-p model:=FILE for the model, --params-file for a file like '
               'share/panoptic_ros/config/panoptic.yaml, which describes every parameter.')


def _catch_signals() -> int:
    """
    Return a file descriptor that has something to read after a signal.

    A Python handler would wait for the main thread, which may be far inside a library.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer)
    return reader


def _on_signal(signals: int, stop: Callable[[], None], code: Callable[[], int]) -> None:
    """Call ``stop`` in a thread of its own at a signal; end with ``code`` if that is no help."""
    def wait() -> None:
        os.read(signals, 1)
        stop()
        select.select([signals], [], [], DEADLINE)      # a second signal does not wait either
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code())

    Thread(target=wait, name='signals', daemon=True).start()
