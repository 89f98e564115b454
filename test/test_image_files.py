import cv2
import numpy as np
import pytest

from panoptic_ros import image_files

NOISE = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)


def turned(path):
    """Write a JPEG whose Exif tag asks for a quarter turn."""
    data = cv2.imencode('.jpg', NOISE)[1].tobytes()
    tiff = (b'II*\0\x08\0\0\0' + b'\x01\0'
            + b'\x12\x01\x03\0\x01\0\0\0\x06\0\0\0' + bytes(4))
    exif = b'Exif\0\0' + tiff
    path.write_bytes(data[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + data[2:])
    assert cv2.imread(str(path)).shape == (9, 6, 3)     # OpenCV's own way
    return path


@pytest.mark.parametrize('flags', [cv2.IMREAD_COLOR, cv2.IMREAD_UNCHANGED])
def test_pixels_are_read_as_they_are_stored(tmp_path, flags):
    assert image_files.read(turned(tmp_path / 'a.jpg'), flags).shape == (6, 9, 3)


@pytest.mark.parametrize('suffix', image_files.PICTURE_SUFFIXES)
def test_pictures_are_found_written_and_read(tmp_path, suffix):
    path = tmp_path / 'new' / f'a{suffix}'
    image_files.write(path, NOISE)
    assert image_files.read(path).shape == NOISE.shape
    path.rename(path.with_suffix(suffix.upper()))
    (tmp_path / 'notes.txt').touch()
    assert image_files.find(tmp_path) == [path.with_suffix(suffix.upper())]


def test_labels_keep_their_16_bits(tmp_path):
    labels = np.array([[65535, 13001]], np.uint16)
    image_files.write(tmp_path / 'a.png', labels)
    np.testing.assert_array_equal(
        image_files.read(tmp_path / 'a.png', cv2.IMREAD_UNCHANGED), labels)


@pytest.mark.parametrize(('name', 'cut', 'message'), [
    ('a.jpg', -2, 'is truncated .* download it again'),
    ('a.png', -9, 'is truncated'), ('a.png', 0, 'is truncated .0 bytes'),
    ('a.bmp', 20, r'is no image that OpenCV reads: expected one of \.bmp')])
def test_a_damaged_file_is_named_with_its_cure(tmp_path, name, cut, message):
    path = tmp_path / name
    path.write_bytes(cv2.imencode(path.suffix, NOISE)[1].tobytes()[:cut])
    with pytest.raises(ValueError, match=f'{name} {message}'):
        image_files.read(path)


def test_a_size_that_opencv_refuses_is_no_image(tmp_path):
    data = cv2.imencode('.png', NOISE)[1].tobytes()
    (tmp_path / 'a.png').write_bytes(data[:16] + b'\0\1\0\0' * 2 + data[24:])
    with pytest.raises(ValueError, match=r'a\.png is no image'):
        image_files.read(tmp_path / 'a.png')


@pytest.mark.parametrize('name', ['folder.png', 'a.txt', 'a'])
def test_what_cannot_be_written_is_an_error(tmp_path, name):
    (tmp_path / 'folder.png').mkdir()
    with pytest.raises(OSError, match=f'cannot write .*{name}: expected the name of a picture'):
        image_files.write(tmp_path / name, NOISE)
