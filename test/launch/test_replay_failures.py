"""replay.launch.py with the real launch where it cannot go on: it ends by itself and says why."""

import os
import shutil
import subprocess

import drive_bag
import pytest
import real_launch

real_launch.share()
if shutil.which('ros2') is None:
    pytest.skip('ros2 launch comes with a ROS distribution', allow_module_level=True)

from panoptic_ros.demo.domain import private_domain  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.mark.parametrize(('parameters', 'reasons'), [
    ('model: /models/none.onnx', ['no model file /models/none.onnx',
                                  'The end: the node has no engine: it says why above.']),
    ('jpeg_quality: 900', ['jpeg_quality out of range',
                           'The end: the node has ended (exit code 2).'])])
def test_what_ends_the_node_ends_the_replay(tmp_path, parameters, reasons):
    bag = drive_bag.write(tmp_path / 'drive')
    file = tmp_path / 'wrong.yaml'
    file.write_text(f'/**:\n  ros__parameters:\n    {parameters}\n')
    with private_domain() as domain:
        done = subprocess.run(
            ['ros2', 'launch', 'panoptic_ros', 'replay.launch.py', f'bag:={bag}', 'rviz:=False',
             f'params_file:={file}'], capture_output=True, text=True, timeout=60,
            env={**os.environ, 'ROS_DOMAIN_ID': str(domain),
                 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'})
    output = done.stdout + done.stderr
    for reason in reasons:
        assert reason in output
    assert 'bag play' not in output
    assert 'Traceback' not in output
    assert 'Caught exception' not in output
