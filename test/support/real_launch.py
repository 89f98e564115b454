"""What tests need to start launch files with the real launch, which comes with a distribution."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest


def share() -> Path:
    """Return the installed package's share, or skip the module where launch would not find it."""
    for module in ('launch_testing.actions', 'launch_ros.actions', 'onnx'):
        pytest.importorskip(module, reason=f'{module} comes with a ROS distribution')
    from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
    try:
        return Path(get_package_share_directory('panoptic_ros'))
    except PackageNotFoundError:
        pytest.skip('panoptic_ros is not in the ament index: source its workspace',
                    allow_module_level=True)


def needs_ros2_bag() -> None:
    """Skip the module where ``ros2 bag`` is missing, which ``ros2`` itself can do without."""
    if shutil.which('ros2') is None or find_spec('ros2bag') is None:
        pytest.skip('ros2 bag comes with a ROS distribution, in the package ros2bag',
                    allow_module_level=True)


def describe(include: Any) -> tuple[Any, dict[str, Any]]:
    """
    Return the description of a test and its context.

    ``include`` is called with a folder that lasts as long as the test, and with the path of a
    small model; it returns what to launch.  Everything runs in a domain of its own.
    """
    import tiny_model
    from launch import LaunchDescription
    from launch_testing.actions import ReadyToTest

    from panoptic_ros.demo.domain import private_domain
    lasting = ExitStack()
    domain = lasting.enter_context(private_domain())
    folder = Path(lasting.enter_context(tempfile.TemporaryDirectory()))
    model = tiny_model.build(folder / 'tiny.onnx')
    # of the process, as a group that forwards nothing forgets what launch has set
    os.environ.update(ROS_DOMAIN_ID=str(domain), ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST')
    return LaunchDescription([*include(folder, model), ReadyToTest()]), {'lasting': lasting}
