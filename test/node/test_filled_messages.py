import numpy as np
import pytest
from sensor_msgs.msg import Image

from panoptic_ros.node.outputs import fill

BGR = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)


@pytest.mark.parametrize('pixels', [
    BGR, BGR[..., 0], BGR[:, ::-1], np.arange(35, dtype=np.uint16).reshape(5, 7) * 1999])
def test_filled_messages(pixels):
    message = Image()
    fill(message, pixels)
    assert (message.width, message.height, message.step) == (7, 5, pixels.nbytes // 5)
    assert message.data.tobytes() == pixels.tobytes()
    assert not message.is_bigendian
    data = message.data
    fill(message, pixels.copy())
    assert message.data is data, 'its memory is reused'
    fill(message, pixels[:3])
    assert message.data.tobytes() == pixels[:3].tobytes()
