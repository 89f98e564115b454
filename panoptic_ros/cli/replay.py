"""Replays a bag over DDS, with the spacing of its recorded times."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from signal import SIGINT, SIGTERM, signal

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..libraries import why_not
from ..report import add_json_argument, print_table, write_json
from .command import command, say

_INSTALL_ROS = 'source /opt/ros/DISTRO/setup.bash` or `make setup'


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Publish a bag; the exit status is 1 if the bag cannot be read or nobody subscribes."""
    args, ros_arguments = _parse(sys.argv[1:] if argv is None else list(argv))
    try:
        from ..bags.reader import BagError
    except ImportError as error:
        sys.exit(f'replay: {error}')
    try:
        _replay(args, ros_arguments)
    except (BagError, TimeoutError, ValueError) as error:
        sys.exit(f'replay: {error}')


def _parse(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog='replay', description=__doc__, epilog='ROS arguments may follow --ros-args.')
    parser.add_argument('bag', help='a rosbag2 folder, .mcap or .db3 file')
    parser.add_argument('--topics', nargs='+', metavar='TOPIC', help='publish only these topics')
    parser.add_argument('--remap', nargs='+', metavar='FROM:=TO', default=[],
                        help='publish under other names')
    parser.add_argument('--rate', type=float, default=1.0,
                        help='speed, times real time (default: 1)')
    parser.add_argument('--clock', action='store_true',
                        help="publish /clock, for nodes with use_sim_time; the bag's own /clock "
                             'is left out')
    parser.add_argument('--max-gap', type=float, default=10.0, metavar='SECONDS',
                        help='if the bag has no message for longer, the gap is skipped '
                             '(default: 10; inf waits for everything)')
    parser.add_argument('--loop', action='store_true', help='start again at the end')
    parser.add_argument('--wait-for', nargs='*', metavar='TOPIC', default=[],
                        help='start when each of these has a subscriber (default: any topic)')
    parser.add_argument('--timeout', type=float, default=30.0, metavar='SECONDS',
                        help='how long to wait for subscribers (default: 30)')
    parser.add_argument('--no-wait', action='store_true', help='start without subscribers')
    add_json_argument(parser)
    split = argv.index('--ros-args') if '--ros-args' in argv else len(argv)
    args = parser.parse_args(argv[:split])
    if wrong := [remap for remap in args.remap if remap.count(':=') != 1]:
        parser.error(f'--remap {wrong[0]}: expected FROM:=TO')
    return args, argv[split:]


def _replay(args: argparse.Namespace, ros_arguments: list[str]) -> None:
    from ..bags.reader import Bag, BagError

    try:
        import rclpy
        from rclpy.signals import SignalHandlerOptions

        from ..bags.replay import Replay, Selection
    except ImportError as error:
        sys.exit(f'replay: {why_not(error, "replaying", "rclpy", _INSTALL_ROS, "ROS 2")}')
    stop = threading.Event()
    for number in (SIGINT, SIGTERM):
        signal(number, lambda *_: stop.set())
    with Bag(args.bag) as bag:
        for warning in bag.warnings:
            say('replay', warning)
        rclpy.init(args=ros_arguments, signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node('replay')
        try:
            progress = Progress(TextColumn('{task.description}'), BarColumn(),
                                TextColumn('{task.completed}/{task.total}'), TimeElapsedColumn())
            replay = Replay(
                bag, node, Selection(args.topics, dict(r.split(':=') for r in args.remap),
                                     args.clock),
                args.rate, args.max_gap, lambda *_: progress.advance(task),
                lambda seconds: say('replay', f'{bag.path} has a gap: {seconds:.0f} s of it are '
                                    'skipped (--max-gap)'))
            for name, reason in replay.left_out.items():
                say('replay', f'{name} is left out: {reason}')
            with progress:
                task = progress.add_task('waiting for subscribers', total=replay.messages)
                if not args.no_wait:
                    replay.wait_for_subscribers(args.wait_for, args.timeout, stop)
                progress.update(task, description=f'replaying {bag.path.name}')
                lateness = replay.run(stop)
                while args.loop and lateness.messages and not stop.is_set():
                    progress.reset(task)
                    lateness = replay.run(stop)
            if not lateness.messages and not stop.is_set():
                raise BagError(f'{bag.path} has no messages of what was to be published')
        finally:
            node.destroy_node()
            rclpy.shutdown()
    print_table('Replay', ('messages', 'late p50 ms', 'p99 ms', 'max ms'),
                [(str(lateness.messages), lateness.p50, lateness.p99, lateness.max)])
    write_json(args.json, {'bag': str(args.bag), 'rate': args.rate,
                           'lateness_ms': asdict(lateness)})


if __name__ == '__main__':
    main()
