"""
The launch file of docs/integration.md with the real launch: its node ends and comes back.

It takes its own image, not the one that is set around it.
"""

import os
import re
import signal
import time
import unittest
from pathlib import Path

import pytest
import real_launch

real_launch.share()

from launch.actions import ExecuteProcess, SetLaunchConfiguration  # noqa: E402

pytestmark = pytest.mark.ros

DOCUMENT = Path(__file__).parents[2] / 'docs' / 'integration.md'
READY = ('car.panoptic_node]: waiting for images on /front/image_raw, '
         '/rear/image_raw/compressed')


def documented(model):
    """Return what the launch file in the document describes, with another model."""
    code, = re.findall(r'```python\n(.*?)```', DOCUMENT.read_text(), re.S)
    respawn = "'respawn': 'true'"
    assert respawn in code
    names = {}
    exec(code.replace(respawn, f"{respawn}, 'model': {str(model)!r}"), names)
    return names['generate_launch_description']()


@pytest.mark.launch_test
def generate_test_description():
    return real_launch.describe(lambda folder, model: [
        SetLaunchConfiguration('image', 'of something else'),
        documented(model),
        ExecuteProcess(cmd=['sleep', '600'], name='bystander')])


class TestBringup(unittest.TestCase):
    def test_a_node_that_ends_comes_back_and_takes_nobody_with_it(self, proc_info, proc_output):
        proc_output.assertWaitFor(READY, timeout=60)
        name, = (n for n in proc_info.process_names() if n.startswith('panoptic_node'))
        first = proc_info[name].pid
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while b''.join(line.text for line in proc_output[name]).count(READY.encode()) < 2:
            assert time.monotonic() < deadline, 'the node did not come back'
            time.sleep(0.1)
        assert proc_info[name].pid != first
