import numpy as np
import pytest

from panoptic_ros.streets.painter import Painter

SQUARE = np.array([[10.0, 10], [30, 10], [30, 20], [10, 20]])
RED = (0, 0, 200)


def blank():
    return np.zeros((40, 60, 4), np.uint8)


@pytest.mark.parametrize('stroke', [
    lambda p: p.polygon(SQUARE, RED, 9),
    lambda p: p.shape(SQUARE, RED, 9),
    lambda p: p.line(SQUARE, 3, RED, 9, closed=True),
    lambda p: p.disc(np.array([20.0, 15.0]), 6.0, RED, 9),
    lambda p: p.tinted(SQUARE, RED, 0.5, 9),
    lambda p: p.texture(SQUARE, np.full((4, 4, 3), 255, np.uint8), np.eye(3),
                        np.array([[0, 0], [0, 0], [0.5, 0]]), 9),
    lambda p: p.sprite(np.full((8, 8, 4), 255, np.uint8), SQUARE[[0, 1, 3]],
                       np.array([[0, 0], [0, 0], [0.5, 0]]), 9),
])
def test_every_stroke_colours_what_it_labels_and_nothing_else(stroke):
    canvas = blank()
    stroke(Painter(canvas))
    labelled = canvas[..., 3] == 9
    assert labelled.sum() > 60
    assert np.array_equal(labelled, canvas[..., 2] > 0)
    assert set(np.unique(canvas[..., 3])) == {0, 9}


def test_a_part_of_the_canvas_is_painted_as_the_whole():
    whole, part = blank(), blank()
    rng = np.random.default_rng(0)
    for _ in range(40):
        triangle = rng.uniform(-10, 60, (3, 2))
        Painter(whole).polygon(triangle, RED, 3)
        Painter(part[15:30, 20:50], (20, 15)).polygon(triangle, RED, 3)
    same = part[15:30, 20:50, 3] == whole[15:30, 20:50, 3]
    assert same.mean() > 0.98
    assert not part[:15].any()


def test_the_last_stroke_wins():
    canvas = blank()
    painter = Painter(canvas)
    painter.polygon(SQUARE, RED, 1)
    painter.polygon(SQUARE + (10, 0), RED, 2)
    assert canvas[15, 15, 3] == 1
    assert canvas[15, 25, 3] == 2


def test_what_lies_outside_changes_nothing():
    canvas = blank()
    painter = Painter(canvas)
    far = SQUARE + (500, 0)
    painter.polygon(far, RED, 1)
    painter.tinted(far, RED, 0.5, 1)
    painter.texture(far, np.zeros((4, 4, 3), np.uint8), np.eye(3), np.ones((3, 2)), 1)
    painter.sprite(np.full((8, 8, 4), 255, np.uint8), far[[0, 1, 3]], np.ones((3, 2)), 1)
    assert not canvas.any()
