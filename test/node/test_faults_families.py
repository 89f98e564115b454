"""Options of a family that is not the model's; docs/faults.md."""

import sys

import other_family
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from faults import FAULTS
from rcl_interfaces.srv import ListParameters
from ros_harness import Process

pytestmark = pytest.mark.ros

NODE = '/mixed'
PROGRAM = """
from panoptic_ros import families
families.__path__.append({folder!r})
from panoptic_ros.cli.panoptic_node import main
main(['--ros-args', '-r', '__node:=mixed', '-p', 'model:={model}', '-p', 'blobs.overlap:=0.5'])
"""


def test_an_option_of_another_family_is_refused(domain, client, tiny_onnx, tmp_path):
    early, late = FAULTS['option of another family'], FAULTS['option of another family, later']
    other_family.write(tmp_path, 'blobs')
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    with Process([sys.executable, '-c', PROGRAM.format(folder=str(tmp_path), model=tiny_onnx)],
                 domain) as node:
        node.wait_for_output(early.log)
        client.wait(lambda: early.diagnosed(diagnostics, 'mixed'), early.name)
        names = client.call(ListParameters, f'{NODE}/list_parameters',
                            ListParameters.Request()).result.names
        assert {'blobs.overlap', 'deeplab.top_k'} <= set(names)
        assert client.set_parameter(NODE, 'blobs.overlap', -1.0) == (True, '')
        assert client.change_state(NODE, 'configure')
        successful, reason = client.set_parameter(NODE, 'blobs.overlap', 0.5)
        assert not successful
        assert reason == ('blobs.overlap is 0.5: it is an option of the family blobs, and the '
                          'model is of the family deeplab: set it to -1')
        assert late.log is None
        assert client.get_parameter(NODE, 'blobs.overlap') == -1
        assert client.set_parameter(NODE, 'deeplab.top_k', 50) == (True, '')
        assert client.change_state(NODE, 'cleanup')
        assert client.set_parameter(NODE, 'blobs.overlap', 0.5) == (True, '')
        assert not client.change_state(NODE, 'configure')
        assert node.stop() == 0
