"""A primary context that outlives the devices in it, for libraries that keep things there."""

import pytest

from panoptic_ros.device import Device, DeviceError


def test_it_lives_on_after_the_device(cuda):
    device = Device.open()
    for _ in range(2):
        device.hold_context()
    assert cuda.machine.calls['cuDevicePrimaryCtxRetain'] == 2      # PyCUDA's, and once more
    context = cuda.machine.current('')
    device.close()
    assert context.alive
    again = Device.open()
    again.hold_context()
    assert cuda.machine.current('') is context
    again.close()
    assert not cuda.machine.left_behind()


def test_without_it_the_context_ends_with_the_device(cuda):
    device = Device.open()
    context = cuda.machine.current('')
    device.close()
    assert not context.alive


def test_what_is_left_in_it_is_found_all_the_same(cuda):
    device = Device.open()
    device.hold_context()
    cuda.machine.create_event()
    device.close()
    assert 'Moment' in cuda.machine.left_behind()[0]
    cuda.machine.leaks.clear()


def test_after_a_loss_another_device_can_be_opened(cuda):
    device = Device.open()
    device.hold_context()
    lost = cuda.machine.current('')
    lost.sticky = 700
    with pytest.raises(DeviceError) as caught:
        device.synchronize()
    assert caught.value.sticky
    device.close()
    assert not lost.alive
    again = Device.open()
    again.hold_context()
    context = cuda.machine.current('')
    again.close()
    assert context.alive        # the reference still counts


def test_a_driver_that_refuses(cuda):
    device = Device.open()
    cuda.machine.fail('cuDevicePrimaryCtxRetain', 2)
    with pytest.raises(DeviceError, match='holding the primary context'):
        device.hold_context()
    device.hold_context()
    device.close()
