"""panoptic.launch.py with the real launch: how it ends when its node does."""

import os
import subprocess
import sys

import pytest
import real_launch

pytestmark = pytest.mark.ros

SHARE = real_launch.share()

# what `ros2 launch` does, without its command line
LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import ExecuteProcess, IncludeLaunchDescription
file, *arguments = sys.argv[1:]
service = LaunchService()
service.include_launch_description(LaunchDescription([
    ExecuteProcess(cmd=['sleep', sys.argv[2]], name='bystander'),
    IncludeLaunchDescription(file, launch_arguments=[a.split(':=') for a in sys.argv[3:]])]))
sys.exit(service.run())
"""


@pytest.mark.ros
@pytest.mark.parametrize(('required', 'fault', 'code', 'said'), [
    ('true', 'nms_kernel', 1, 'has ended with exit code 2, and is required'),
    ('true', 'model', 1, 'has ended with exit code 1, and is required'),
    ('false', 'nms_kernel', 0, 'cannot start: nms_kernel is 4')])
def test_launch_ends_as_its_required_node(tmp_path, required, fault, code, said):
    from panoptic_ros.demo.domain import private_domain
    parameters = tmp_path / 'parameters.yaml'
    value = {'nms_kernel': 4, 'model': '/nowhere.onnx'}[fault]
    parameters.write_text(f'/**:\n  ros__parameters:\n    {fault}: {value}\n')
    bystander = 600 if required == 'true' else 5     # launch does not wait for one, or does
    with private_domain() as domain:
        done = subprocess.run(
            [sys.executable, '-c', LAUNCH, SHARE / 'launch/panoptic.launch.py', str(bystander),
             f'required:={required}', f'params_file:={parameters}'],
            capture_output=True, text=True, timeout=120,
            env={**os.environ, 'ROS_DOMAIN_ID': str(domain)})
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert said in output
