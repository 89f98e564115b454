import pytest

from panoptic_ros.node.surplus import Surplus

LARGE, SMALL = 200 << 20, 6 << 20


@pytest.fixture
def given():
    return []


@pytest.fixture
def surplus(given):
    return Surplus(lambda: given.append(True))


def look(surplus, sizes, start):
    for second, size in enumerate(sizes):
        surplus.look(size, start + second)


@pytest.mark.parametrize('after', [SMALL, 0])
def test_memory_is_given_back_once_when_large_images_have_ended(surplus, given, after):
    look(surplus, [LARGE] * 20, 0)
    look(surplus, [after] * 10, 20)
    assert not given
    look(surplus, [after] * 60, 30)
    assert given == [True]
    look(surplus, [LARGE] + [after] * 20, 100)
    assert given == [True] * 2


@pytest.mark.parametrize('sizes', [
    [LARGE, 0, 0, 0, 0] * 20,       # seldom, but they come
    [SMALL] * 20 + [0] * 60,        # as any camera has them
    [LARGE] * 20 + [LARGE // 3] * 60])
def test_what_the_next_image_needs_is_kept(surplus, given, sizes):
    look(surplus, sizes, 0)
    assert not given
