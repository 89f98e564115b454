import numpy as np
import pytest

from panoptic_ros import UNLABELED, Panoptic, overlay


@pytest.fixture
def result(cityscapes):
    labels = np.full((120, 160), UNLABELED, np.uint16)
    labels[60:] = 0
    labels[50:100, 20:60] = 13001
    labels[50:100, 80:120] = 13002
    return Panoptic.from_labels(labels, cityscapes)


def test_colors_follow_class_and_instance(result, cityscapes):
    colored = overlay.colorize(result)
    assert colored[119, 0].tolist() == cityscapes.colors[0][::-1].tolist()
    assert colored[0, 0].tolist() == [0, 0, 0]
    first, second = colored[75, 40], colored[75, 100]
    assert (first != second).any()
    assert (colored[result.labels == 13001] == first).all()


def test_opacity_weighs_the_colors(result):
    image = np.full((120, 160, 3), 200, np.uint8)
    assert (overlay.draw(image, result, opacity=0)[110:, :10] == 200).all()
    full = overlay.draw(image, result, opacity=1)
    assert np.array_equal(full[110:, :10], overlay.colorize(result)[110:, :10])
    assert (full[:40, :10] == 200).all()    # unlabelled pixels keep the camera's


def test_the_camera_image_is_left_alone(result):
    image = np.full((120, 160, 3), 200, np.uint8)
    overlay.draw(image, result)
    assert (image == 200).all()


def test_boxes_carry_a_caption(result):
    image = np.zeros((120, 160, 3), np.uint8)
    without_things = Panoptic.from_labels(
        np.where(result.instances() > 0, 0, result.labels).astype(np.uint16), result.label_space)
    changed = (overlay.draw(image, result) != overlay.draw(image, without_things)).any(2)
    assert changed[50 - 10:50, 20:60].any()     # above the box


def test_shades_of_a_hundred_instances_differ(cityscapes):
    shades = {overlay.instance_color(cityscapes, 13, n) for n in range(1, 101)}
    assert len(shades) > 90


def test_an_image_without_segments(cityscapes):
    labels = np.full((4, 4), UNLABELED, np.uint16)
    image = np.full((4, 4, 3), 9, np.uint8)
    drawn = overlay.draw(image, Panoptic.from_labels(labels, cityscapes))
    assert (drawn == image).all()


def test_refuses_other_sizes_and_opacities(result):
    with pytest.raises(ValueError, match='the size of its panoptic result'):
        overlay.draw(np.zeros((120, 161, 3), np.uint8), result)
    with pytest.raises(ValueError, match='expected 0 to 1'):
        overlay.draw(np.zeros((120, 160, 3), np.uint8), result, opacity=50)
