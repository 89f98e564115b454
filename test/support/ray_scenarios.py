"""
What happens on a Ray cluster of two machines, both of them this one: ``ray_scenarios.py FOLDER``.

It runs in a process of its own, in a network of its own where that is allowed: there everything
stays on the loopback. What came of each scenario is printed as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from stub_jobs import Stub, job

from panoptic_ros.offline import ray as offline_ray
from panoptic_ros.offline.driver import Driver

ROOM = 100 << 20
PORTS = ('runtime_env_agent_port', 'metrics_agent_port', 'dashboard_agent_listen_port',
         'metrics_export_port')


def ports() -> dict[str, int]:
    """Return free ports by name: Ray need not wait for its agents to tell them."""
    sockets = [socket.socket() for _ in PORTS]
    for each in sockets:
        each.bind(('127.0.0.1', 0))
    found = dict(zip(PORTS, (each.getsockname()[1] for each in sockets), strict=True))
    for each in sockets:
        each.close()
    return found


def start() -> Any:
    """Start a cluster; on a busy machine Ray gives up at first."""
    from ray.cluster_utils import Cluster

    words = {'num_cpus': 1, 'object_store_memory': ROOM, 'include_log_monitor': False}
    for left in (2, 1, 0):
        try:
            cluster = Cluster(initialize_head=True, head_node_args={
                **words, 'include_dashboard': False, **ports()})
            cluster.add_node(**words, **ports())
            return cluster
        except Exception:     # Ray gives up after fixed times; a busy machine needs another try
            subprocess.run([Path(sys.executable).with_name('ray'), 'stop', '--force'],
                           capture_output=True, check=False)
            if not left:
                raise
    return None


def drive(address: str, folder: Path, names: list[str], show: Any = lambda progress: None) -> Any:
    with offline_ray.Cluster(address, make=Stub) as cluster:
        report = Driver(cluster, show, pause=0.1).run([job(folder, name) for name in names])
    return {kind: {outcome.job.output.rpartition('/')[2]: outcome.reason
                   for outcome in getattr(report, kind)} for kind in ('done', 'failed', 'aside')
            } | {'tries': {path.rpartition('/')[2]: count
                           for path, count in report.tries.items()}}


def workers_that_end(address: str, folder: Path) -> Any:
    names = ['a', 'kill', 'b', 'once', 'bad', 'odd', 'disk', 'c', 'full']
    plain = [str(number) for number in range(30)]
    told = drive(address, folder, [*plain, *names])
    out = folder / 'out'
    opened = {(out / name).read_text() for name in plain}
    nodes = (out / 'disk.at').read_text(), (out / 'disk').read_text().split()[1]
    return told | {'elsewhere': nodes[0] != nodes[1], 'plain': plain, 'workers': len(opened)}


def a_command_that_is_stopped(address: str, folder: Path) -> Any:
    seen: list[str] = []
    with offline_ray.Cluster(address, make=Stub) as cluster:
        report = Driver(cluster, lambda progress: seen.extend(progress.running),
                        lambda: bool(seen)).run([job(folder, f'slow{n}') for n in range(4)])
    return {'stopped': len(report.stopped), 'done': len(report.done)}


def a_driver_that_is_killed(address: str, folder: Path) -> Any:
    names = ['wait0', 'wait1', 'a', 'b']
    process = subprocess.Popen([sys.executable, __file__, '--drive', address, folder, *names])
    out = folder / 'out'
    wait_for(lambda: any((out / f'wait{n}.at').exists() for n in (0, 1)))
    process.send_signal(signal.SIGKILL)
    process.wait()
    for name in ('wait0', 'wait1'):
        (out / f'{name}.go').touch()
    return drive(address, folder, names)


def a_machine_that_goes_away(address: str, folder: Path, cluster: Any) -> Any:
    out = folder / 'out'
    gone: list[str] = []

    def show(progress: Any) -> None:
        started = [name for name in ('wait0', 'wait1') if (out / f'{name}.at').exists()]
        if not gone and len(started) == 2:
            second = next(node for node in cluster.worker_nodes)
            gone.append(second.node_id)
            cluster.remove_node(second, allow_graceful=False)
            for name in started:
                (out / f'{name}.go').touch()

    told = drive(address, folder, ['wait0', 'wait1', 'a', 'b'], show)
    return told | {'gone': len(gone)}


def real_drives(address: str, folder: Path, model: str) -> Any:
    """Label recordings, one of them damaged, in pieces; what the command says is returned."""
    command = [sys.executable, '-m', 'panoptic_ros.cli.segment', folder / 'in', '-o',
               folder / 'out', '--model', model, '--ray', address, '--piece', '1', '--json',
               folder / 'report.json']
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    return {'status': done.returncode, 'said': done.stderr}


def evaluated(address: str, folder: Path) -> Any:
    """Evaluate files on the cluster and here; return whether the figures are equal."""
    from panoptic_ros.cli import evaluate

    reports = []
    for number, words in enumerate(([], ['--ray', address])):
        report = folder / f'{number}.json'
        evaluate.main(['--predictions', str(folder / 'predictions'), '--truth',
                       str(folder / 'truth'), '--json', str(report), *words])
        reports.append(json.loads(report.read_text()))
    for report in reports:
        report.pop('workers')
    return {'equal': reports[0] == reports[1], 'frames': reports[1]['frames']}


def wait_for(true: Any) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def main(folder: Path) -> None:
    offline_ray.load()
    os.environ['PYTHONPATH'] = str(Path(__file__).parent)       # for the doubles
    cluster = start()
    told: dict[str, Any] = {}
    try:
        address = cluster.address
        from ray._common.usage import usage_lib
        told['reports'] = usage_lib.usage_stats_enabled()
        told['ends'] = workers_that_end(address, folder / 'ends')
        told['driver'] = a_driver_that_is_killed(address, folder / 'driver')
        told['stopped'] = a_command_that_is_stopped(address, folder / 'stopped')
        told['real'] = real_drives(address, folder / 'real', sys.argv[2])
        told['evaluated'] = evaluated(address, folder / 'evaluated')
        told['machine'] = a_machine_that_goes_away(address, folder / 'machine', cluster)
    finally:
        cluster.shutdown()
    print(json.dumps(told))


if __name__ == '__main__':
    if sys.argv[1] == '--drive':
        drive(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
    else:
        main(Path(sys.argv[1]))
