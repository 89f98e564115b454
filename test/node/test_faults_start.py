"""What the node refuses at its start: one line that names it, exit code 2; docs/faults.md."""

import sys

import pytest
from faults import FAULTS
from ros_harness import Process

pytestmark = pytest.mark.ros


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
def test_what_is_refused_at_the_start_is_named(domain, tmp_path, name, arguments):
    (tmp_path / 'large.yaml').write_text('/**:\n  ros__parameters:\n' + ''.join(
        f'    p{number}: {number}\n' for number in range(200_000)))
    (tmp_path / 'bad.yaml').write_text('panoptic_node:\n  ros__parameters:\n    model: [a\n')
    (tmp_path / 'empty.yaml').write_text('/**:\n  ros__parameters:\n    cameras: []\n')
    command = [sys.executable, '-m', 'panoptic_ros.cli.panoptic_node', '--ros-args', '-r',
               '__node:=refused', *arguments.format(folder=tmp_path).split()]
    with Process(command, domain) as node:
        assert node.process.wait(60) == 2
        node.wait_for_output(FAULTS[name].log)
        assert node.output.count('cannot start') <= 1
        assert 'Traceback' not in node.output
