"""panoptic.launch.py with the real launch: included twice, with arguments that differ."""

import unittest

import pytest
import real_launch

SHARE = real_launch.share()

import launch_testing.asserts  # noqa: E402
from launch.actions import GroupAction, IncludeLaunchDescription  # noqa: E402
from launch_ros.actions import PushRosNamespace  # noqa: E402

pytestmark = pytest.mark.ros


def include(**arguments):
    return IncludeLaunchDescription(str(SHARE / 'launch' / 'panoptic.launch.py'),
                                    launch_arguments=arguments.items())


@pytest.mark.launch_test
def generate_test_description():
    return real_launch.describe(lambda folder, model: [
        GroupAction([include(namespace='car', model=str(model), cameras='front,rear/compressed',
                             image='/{camera}/image_raw')]),
        GroupAction([PushRosNamespace('trailer'), include(model=str(model), autostart='false')])])


class TestPanopticLaunch(unittest.TestCase):
    def test_both_nodes_run_each_with_its_own_arguments(self, proc_output):
        proc_output.assertWaitFor(
            'car.panoptic_node]: waiting for images on /front/image_raw, '
            '/rear/image_raw/compressed', timeout=60)
        proc_output.assertWaitFor('trailer.panoptic_node]: autostart is false', timeout=60)


@launch_testing.post_shutdown_test()
class TestEnd(unittest.TestCase):
    def test_they_end_cleanly(self, proc_info):
        assert len(list(proc_info)) == 2
        launch_testing.asserts.assertExitCodes(proc_info)
