"""What the node refuses at its start: one line that names it, exit code 2; docs/faults.md."""

import json
import re
import subprocess
import sys

import pytest
from faults import FAULTS
from ros_harness import surroundings

pytestmark = pytest.mark.ros

STARTING = """
import json, os, signal, sys
import rclpy, panoptic_ros.node.panoptic_node
from panoptic_ros.cli.panoptic_node import main
exit = os._exit

def leave(code):
    with open('/proc/self/maps') as maps:
        print(*(line for line in maps if '/dev/shm/fastrtps' in line), flush=True)
    exit(code)

for line in sys.stdin:
    words, log = json.loads(line)
    child = os.fork()
    if not child:
        signal.alarm(60)
        os._exit = leave
        file = os.open(log, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        os.dup2(file, 2)
        main(words)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Starts the node in processes that need not import it anew; each says what is left of DDS."""


@pytest.fixture(scope='module')
def start(domain, tmp_path_factory):
    """A function that starts the node, and returns its exit code and what it said."""
    log = tmp_path_factory.mktemp('start') / 'log'
    with subprocess.Popen([sys.executable, '-c', STARTING], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, env=surroundings(domain)) as starting:
        def start(*words):
            log.unlink(missing_ok=True)
            print(json.dumps([words, str(log)]), file=starting.stdin, flush=True)
            return int(starting.stdout.readline()), log.read_text()
        yield start
        starting.stdin.close()


@pytest.mark.parametrize(('name', 'arguments'), [
    ('malformed parameter file', '--params-file {folder}/bad.yaml'),
    ('parameter file of megabytes', '--params-file {folder}/large.yaml'),
    ('parameter file that is not there', '--params-file {folder}/absent.yaml'),
    ('QoS override that does not exist',
     '-p qos_overrides./refused/statistics.publisher.reliability:=sometimes'),
    ('parameter of the wrong value', '-p deeplab.nms_kernel:=4'),
    ('parameter out of its range', '-p deeplab.top_k:=5000'),
    ('parameter of the wrong type', '-p deeplab.top_k:=5.0'),
    ('parameter without a type', '-p cameras:=[]'),
    ('parameter without a type', '--params-file {folder}/empty.yaml'),
    ('name of a camera that is too long, at the start', f'-p cameras:=[{"a" * 300}]'),
    ('QoS override that no machine can keep',
     '-p qos_overrides./refused/statistics.publisher.depth:=99999999999'),
    ('QoS override that no machine can keep',
     '-p qos_overrides./refused/statistics.publisher.depth:=-1'),
    ('ROS argument that does not exist', '--wrong'),
    ('argument that is not for ROS', '-- --model streets')])
def test_what_is_refused_at_the_start_is_named(start, tmp_path, name, arguments):
    (tmp_path / 'large.yaml').write_text('/**:\n  ros__parameters:\n' + ''.join(
        f'    p{number}: {number}\n' for number in range(200_000 * ('large' in arguments))))
    (tmp_path / 'bad.yaml').write_text('panoptic_node:\n  ros__parameters:\n    model: [a\n')
    (tmp_path / 'empty.yaml').write_text('/**:\n  ros__parameters:\n    cameras: []\n')
    code, said = start('--ros-args', '-r', '__node:=refused',
                       *arguments.format(folder=tmp_path).split())
    assert code == 2, said
    assert any(re.search(FAULTS[name].log, line) for line in said.splitlines()), said
    assert said.count('cannot start') <= 1
    assert 'Traceback' not in said
    assert 'fastrtps' not in said, 'it left no shared memory'
