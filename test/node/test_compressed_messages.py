from array import array

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from panoptic_ros.images import ImageError, decompress, encode


def compressed(data):
    return CompressedImage(format='jpeg', data=array('B', data))


NOISE = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
SMOOTH = cv2.resize(NOISE, (64, 48), interpolation=cv2.INTER_LINEAR)
JPEG = encode(SMOOTH, '.jpg', ()).tobytes()
PNG = encode(SMOOTH, '.png', ()).tobytes()


def test_compressed_images():
    assert np.array_equal(decompress(compressed(PNG)), SMOOTH)
    assert np.abs(decompress(compressed(JPEG)).astype(int) - SMOOTH).mean() < 10
    assert np.array_equal(decompress(compressed(JPEG + bytes(100))),
                          decompress(compressed(JPEG)))


def test_gray_jpeg_becomes_bgr():
    data = encode(SMOOTH[..., 0], '.jpg', ()).tobytes()
    assert decompress(compressed(data)).shape == SMOOTH.shape


@pytest.mark.parametrize(('data', 'text'), [
    (b'', '0 bytes of format'), (b'\0' * 50, 'are no image'), (b'no picture', 'are no image'),
    (JPEG[:len(JPEG) // 2], 'truncated'), (JPEG[:-2], 'truncated'), (PNG[:-20], 'truncated'),
    (JPEG[:2] + JPEG[-2:], 'are no image'),
    (cv2.imencode('.bmp', SMOOTH)[1].tobytes(), 'publish JPEG or PNG'),
    (JPEG[:20] + bytes(len(JPEG) - 22) + JPEG[-2:], 'are no image')])
def test_corrupt_files_are_named(data, text):
    with pytest.raises(ImageError, match=text):
        decompress(compressed(data))


def huge(data, position):
    """Announce 65535x65535 pixels where a file says its size."""
    size = b'\xff\xff' if data is JPEG else b'\0\0\xff\xff'
    return data[:position] + size + size + data[position + 2 * len(size):]


@pytest.mark.parametrize('data', [huge(JPEG, JPEG.index(b'\xff\xc0') + 5), huge(PNG, 16)])
def test_a_file_that_announces_absurd_sizes_is_not_decoded(data, monkeypatch):
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('memory was taken'))
    with pytest.raises(ImageError, match='65535x65535: expected at most'):
        decompress(compressed(data))


@pytest.mark.parametrize('quality', [10, 95])
@pytest.mark.parametrize('progressive', [0, 1])
def test_jpeg_of_every_kind(quality, progressive):
    flags = (cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    data = encode(SMOOTH, '.jpg', flags).tobytes()
    assert decompress(compressed(data)).shape == SMOOTH.shape
