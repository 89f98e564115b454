import itertools

import cv2
import engines
import numpy as np
import pytest

from panoptic_ros.engine.calibration import CalibrationImages


def shade(value, size=(4, 8)):
    return np.full((*size, 3), value, np.uint8)


def shades(images):
    return [int(image[0, 0, 0]) for image in images]


@pytest.mark.parametrize(('count', 'limit', 'expected'), [
    (10, 4, [0, 3, 6, 9]), (3, 4, [0, 1, 2]), (5, 1, [0]), (100, 3, [0, 50, 99])])
def test_evenly_spaced_where_the_number_is_known(count, limit, expected):
    images = (shade(n) for n in range(count))
    chosen = CalibrationImages.from_images(images, (4, 8), limit, total=count)
    assert shades(chosen) == expected


@pytest.mark.parametrize('count', [1, 2, 7, 8, 9, 31, 200])
@pytest.mark.parametrize('limit', [1, 3, 8])
def test_evenly_spaced_where_it_is_not(count, limit):
    chosen = shades(CalibrationImages.from_images(
        (shade(n) for n in range(count)), (4, 8), limit))
    assert chosen[0] == 0
    assert min(count, limit) / 2 <= len(chosen) <= limit
    assert len({b - a for a, b in itertools.pairwise(chosen)}) <= 1
    assert not chosen[1:] or chosen[-1] >= count - 1 - (chosen[1] - chosen[0])


@pytest.mark.parametrize('size', [(40, 90), (4, 8), (9, 5), (2, 3), (5, 6)])
def test_resized_as_the_segmenter_does(tiny_onnx, size):
    """What the engine of a segmenter is given is what int8 is calibrated with."""
    from panoptic_ros import Segmenter
    from panoptic_ros.pipelines.cpu import CpuPipeline

    class Spy:
        def __init__(self):
            self._engine = engines.load(tiny_onnx)
            self.metadata, self.description = self._engine.metadata, 'spy'

        def __call__(self, images):
            self.image = images[0]
            return self._engine(images)

    height, width = size[0] * 11, size[1] * 11
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    spy = Spy()
    Segmenter(CpuPipeline(spy))(image)
    [resized] = CalibrationImages.from_images([image], (64, 128))
    np.testing.assert_array_equal(resized, spy.image)


def test_folders_are_read_in_order(tmp_path):
    for name, value in (('b/2.png', 30), ('a.png', 10), ('b/1.PNG', 20), ('c.bmp', 40)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), shade(value))
    (tmp_path / 'notes.txt').write_text('no picture')
    assert shades(CalibrationImages.from_folder(tmp_path, (4, 8))) == [10, 20, 30, 40]
    assert shades(CalibrationImages.from_folder(tmp_path, (4, 8), 2)) == [10, 40]


def test_what_cannot_be_used_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no folder .*absent'):
        CalibrationImages.from_folder(tmp_path / 'absent', (4, 8))
    with pytest.raises(ValueError, match=r'holds no pictures: expected files that end in \.bmp'):
        CalibrationImages.from_folder(tmp_path, (4, 8))
    (tmp_path / 'broken.png').write_bytes(b'PNG?')
    with pytest.raises(ValueError, match=r'broken\.png is no image .* remove it'):
        CalibrationImages.from_folder(tmp_path, (4, 8))
    with pytest.raises(ValueError, match='no image to calibrate with'):
        CalibrationImages.from_images([], (4, 8))
    with pytest.raises(ValueError, match='0 calibration images: expected at least 1'):
        CalibrationImages.from_images([shade(1)], (4, 8), 0)
    with pytest.raises(ValueError, match=r'uint8 \(4, 8\): expected uint8 \(H, W, 3\)'):
        CalibrationImages.from_images([shade(1)[:, :, 0]], (4, 8))


def test_the_hash_tells_images_apart():
    first, same, other = (CalibrationImages.from_images([shade(1), shade(n)], (4, 8))
                          for n in (2, 2, 3))
    assert len(first) == 2
    assert first.sha256 == same.sha256 != other.sha256
