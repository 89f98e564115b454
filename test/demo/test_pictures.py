import numpy as np
import pytest
import tiny_model

from panoptic_ros import Panoptic
from panoptic_ros.demo.answers import Answer
from panoptic_ros.demo.contact_sheet import contact_sheet


def test_contact_sheet(tiny_onnx, cityscapes):
    from panoptic_ros import Segmenter
    image = tiny_model.scene((128, 256))
    panoptic = Segmenter.open(tiny_onnx)(image)
    answers = [Answer(float(n), image, panoptic, panoptic.labels) for n in range(2)]
    one, two = (contact_sheet(answers[:n]) for n in (1, 2))
    row = 320 + 8
    assert two.shape == (one.shape[0] + row, one.shape[1], 3)
    assert one.shape[1] == 3 * 640 + 4 * 8
    sky = cityscapes.colors[cityscapes.names.index('sky')][::-1]
    camera, colors, legend = one[44 + 20, 300], one[44 + 20, 656 + 300], one[-34:]
    np.testing.assert_allclose(camera.astype(int), sky, atol=1)
    np.testing.assert_array_equal(colors, sky)
    for name in ('sky', 'road', 'car', 'person'):
        color = cityscapes.colors[cityscapes.names.index(name)][::-1]
        assert (legend == color).all(2).sum() > 200, name


def test_a_sheet_of_nothing():
    with pytest.raises(ValueError, match='no frame to show'):
        contact_sheet([])


def test_a_sheet_shows_pictures_of_any_size(cityscapes):
    image = np.zeros((37, 61, 3), np.uint8)
    answer = Answer(0.0, image, Panoptic.from_labels(np.full((37, 61), 65535, np.uint16),
                                                     cityscapes), np.zeros((37, 61), np.uint16))
    assert contact_sheet([answer]).shape[1] == 3 * 640 + 4 * 8
