import numpy as np
import pytest

from panoptic_ros.streets.camera import NEAR, Camera
from panoptic_ros.streets.mesh import rotation


def camera(yaw=0.0, pitch=0.0, roll=0.0):
    return Camera((400, 800), 700.0, np.array([2.0, 1.4, 10.0]), yaw, pitch, roll)


def pixel(view, *point):
    return view.project(np.array([point], float))[0]


def test_straight_ahead_is_the_principal_point():
    view = camera()
    assert pixel(view, 2, 1.4, 30) == pytest.approx(view.center)
    assert view.horizon() == pytest.approx(view.center[1])


def test_a_metre_at_ten_metres_spans_a_tenth_of_the_focal_length():
    view = camera()
    assert pixel(view, 3, 1.4, 20) - view.center == pytest.approx((70, 0))
    assert pixel(view, 2, 0.4, 20) - view.center == pytest.approx((0, 70))


@pytest.mark.parametrize(('turn', 'axis', 'sign'), [
    ({'yaw': 0.1}, 0, -1), ({'pitch': 0.1}, 1, -1)])
def test_turning_moves_the_world_the_other_way(turn, axis, sign):
    shift = pixel(camera(**turn), 2, 1.4, 60) - camera().center
    assert shift[axis] == pytest.approx(sign * 700 * np.tan(0.1))
    assert shift[1 - axis] == pytest.approx(0, abs=1e-9)


def test_bodies_and_the_camera_turn_right_alike():
    ahead_and_right = np.array([[0, 0, 1], [1, 0, 0]])
    assert ahead_and_right @ rotation(0.3) == pytest.approx(camera(yaw=0.3).rotation[[2, 0]])


def test_the_axes_stay_orthonormal():
    rotation = camera(0.3, -0.1, 0.2).rotation
    assert rotation @ rotation.T == pytest.approx(np.eye(3))


def test_a_polygon_is_cut_at_the_near_plane():
    view = camera()
    wall = np.array([[5, 0, 0], [5, 0, 40], [5, 3, 40], [5, 3, 0]], float)
    outline = view.outline(wall)
    assert outline is not None
    assert outline[:, 0].max() == pytest.approx(view.center[0] + 700 * 3 / NEAR)
    assert view.outline(wall - (0, 0, 60)) is None
