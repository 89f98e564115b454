from array import array

import numpy as np
import pytest
from ros_harness import image_message
from std_msgs.msg import Header

from panoptic_ros.images import ImageError, to_bgr

BGR = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
ENCODED = {
    'bgr8': BGR, '8UC3': BGR, 'rgb8': BGR[..., ::-1],
    'bgra8': np.dstack([BGR, BGR[..., 0]]), 'rgba8': np.dstack([BGR[..., ::-1], BGR[..., 0]])}


@pytest.mark.parametrize('padding', [0, 1, 13])
@pytest.mark.parametrize('encoding', ENCODED)
def test_color(encoding, padding):
    message = image_message(ENCODED[encoding], encoding, Header(), padding)
    assert np.array_equal(to_bgr(message), BGR)


@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_gray(encoding, padding):
    message = image_message(BGR[..., 0], encoding, Header(), padding)
    assert np.array_equal(to_bgr(message), np.repeat(BGR[..., :1], 3, axis=2))


def test_bgr_is_not_copied():
    message = image_message(BGR, 'bgr8', Header())
    assert np.shares_memory(to_bgr(message), np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize(('change', 'kind', 'text'), [
    ({'encoding': 'bayer_rggb8'}, 'encoding', "'bayer_rggb8' is not supported: publish one of"),
    ({'encoding': ''}, 'encoding', "encoding '' is not supported"),
    ({'width': 0}, 'empty', 'the image is 0x5'),
    ({'height': 0}, 'empty', 'the image is 7x0'),
    ({'width': 2**32 - 1, 'step': 2**32 - 1, 'height': 2**32 - 1}, 'size', 'expected at most'),
    ({'step': 20}, 'step', 'step is 20: expected at least 21'),
    ({'step': 0}, 'step', 'step is 0'),
    ({'step': 22}, 'data', '105 bytes of data: expected 110'),
    ({'data': array('B', bytes(50))}, 'data', '50 bytes of data: expected 105'),
    ({'data': array('B')}, 'data', '0 bytes of data')])
def test_faulty_images_are_named(change, kind, text):
    message = image_message(BGR, 'bgr8', Header())
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(ImageError, match=text) as caught:
        to_bgr(message)
    assert caught.value.kind == kind
