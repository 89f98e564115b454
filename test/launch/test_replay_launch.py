"""replay.launch.py with the real launch and the real player: it ends when the bag does."""

import unittest

import drive_bag
import pytest
import real_launch

SHARE = real_launch.share()
real_launch.needs_ros2_bag()

import launch_testing.asserts  # noqa: E402
from launch.actions import IncludeLaunchDescription  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.mark.launch_test
def generate_test_description():
    return real_launch.describe(lambda folder, model: [IncludeLaunchDescription(
        str(SHARE / 'launch' / 'replay.launch.py'), launch_arguments={
            'bag': str(drive_bag.write(folder / 'drive')), 'image': '/camera/image_raw',
            'model': str(model), 'rviz': 'false'}.items())])


class TestReplayLaunch(unittest.TestCase):
    def test_the_player_starts_when_the_node_takes_images(self, proc_output, proc_info):
        proc_output.assertWaitFor('waiting for images on /camera/image_raw', timeout=60)
        proc_info.assertWaitForShutdown(process='ros2', timeout=60)


@launch_testing.post_shutdown_test()
class TestEnd(unittest.TestCase):
    def test_node_and_player_end_cleanly(self, proc_info):
        assert len(list(proc_info)) == 2
        launch_testing.asserts.assertExitCodes(proc_info)
