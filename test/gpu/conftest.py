"""Tests on a real GPU; where there is none each is skipped and says why."""

import gpu_machine
import pytest

from panoptic_ros.device import Device


@pytest.fixture(autouse=True, scope='session')
def _needs_gpu():
    reason = gpu_machine.why_not_gpu()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope='session')
def network_folder(tmp_path_factory):
    """Folder in which plans are kept; a test with it is skipped where no network can run."""
    reason = gpu_machine.why_not_network()
    if reason is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp('plans')
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope='module')
def device():
    device = Device.open()
    yield device
    device.close()


@pytest.fixture(scope='module')
def kernels(device):
    return device.load(gpu_machine.cubin_for(device.target))
