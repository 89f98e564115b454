"""What a caller meets: choosing a method, wrong arguments, missing libraries."""

import sys

import numpy as np
import pytest
from forks import holds_in_a_fork

from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.families import deeplab
from panoptic_ros.labels import LabelSpace
from panoptic_ros.segments.grid import Grid
from panoptic_ros.segments.upsampling import Axis

SPACE = LabelSpace.load('cityscapes')


@pytest.fixture
def heads():
    return make_heads(SPACE, (64, 128), 3)


@pytest.fixture
def forget_numba(monkeypatch):
    """Let numba be missing."""
    for name in list(sys.modules):
        if name.split('.')[0] in ('numba', 'llvmlite') or (
                name.startswith(('panoptic_ros.families.deeplab.', 'panoptic_ros.segments.'))
                and not name.endswith('.methods')):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'numba', None)


def test_an_unknown_method_is_named_with_those_there_are(heads):
    with pytest.raises(ValueError, match=r"no grouping method 'gpu'.*'reference', 'cpu'"):
        deeplab.decode(heads, SPACE, method='gpu')


def test_without_numba_the_error_says_how_to_install_it(heads, forget_numba):
    with pytest.raises(ImportError, match='pip install numba'):
        deeplab.decode(heads, SPACE)
    assert deeplab.decode(heads, SPACE, method='reference').size == (64, 128)


def test_a_label_space_of_other_length_is_refused(heads):
    data = SPACE.to_dict()
    space = LabelSpace.from_dict(data | {'categories': data['categories'][:9]})
    with pytest.raises(ValueError, match="19 classes and label space 'cityscapes' has 9"):
        deeplab.decode(heads, space)


@pytest.mark.parametrize('size', [(0, 5), (5, -1)])
def test_a_size_without_pixels_is_refused(heads, size):
    with pytest.raises(ValueError, match='expected a positive'):
        deeplab.decode(heads, SPACE, size)


def test_the_size_is_the_network_s_by_default(heads):
    assert deeplab.decode(heads, SPACE, method='reference').size == (64, 128)


def test_where_no_cache_can_be_written_kernels_are_compiled_all_the_same(monkeypatch):
    numba = pytest.importorskip('numba')
    from panoptic_ros.segments import workers

    def njit(*functions, cache=False, **options):
        if cache:
            raise RuntimeError('cannot cache function')
        return numba.core.decorators.njit(*functions, **options)

    monkeypatch.setattr(workers.numba, 'njit', njit)
    assert workers.compiled(lambda x: x + 1)(np.float32(1)) == 2


def test_a_forked_process_can_group(heads):
    pytest.importorskip('numba')
    expected = deeplab.decode(heads, SPACE).labels
    assert holds_in_a_fork(
        lambda: np.array_equal(deeplab.decode(heads, SPACE).labels, expected))


@pytest.mark.torch
@pytest.mark.parametrize(('cells', 'pixels', 'align_corners'), [
    (8, 32, False), (7, 29, False), (9, 4, False), (1, 6, False), (6, 1, False), (5, 5, False),
    (9, 33, True), (2, 5, True), (1, 1, True)])
def test_an_axis_lies_where_torch_has_it(cells, pixels, align_corners):
    torch = pytest.importorskip('torch')
    full = 4 * cells - 3 if align_corners else 4 * cells
    axis, _ = Axis.both(Grid((full, 4), 4, align_corners), (pixels, 1))
    values = np.random.default_rng(0).normal(size=cells).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None, None], pixels, mode='linear', align_corners=align_corners)
    result = axis.weights[0] * values[axis.lower] + axis.weights[1] * values[axis.upper]
    np.testing.assert_allclose(result, expected[0, 0], atol=1e-6)
    assert axis.starts[-1] == axis.cell_starts[-1] == pixels


def test_cells_at_the_corners_of_their_pixels_follow_a_resized_image():
    """The image is resized to the network's input, so its pixels' middles are mapped."""
    y, _ = Axis.both(Grid((16, 4), 4, align_corners=True), (8, 1))
    place = y.lower + y.weights[1]
    np.testing.assert_allclose(place, np.maximum((2 * np.arange(8) + 0.5) / 4, 0))
    assert y.cell.tolist() == [0, 1, 1, 2, 2, 3, 3, 4]


@pytest.mark.parametrize(('cells', 'full', 'align_corners'), [(8, 32, False), (9, 33, True),
                                                              (7, 29, False), (1, 4, False)])
@pytest.mark.parametrize('factor', [0.8, 1, 2, 3.3])
def test_beyond_the_outermost_cells_pixels_have_the_value_of_the_cell(cells, full, align_corners,
                                                                      factor):
    axis, _ = Axis.both(Grid((full, 4), 4, align_corners), (round(factor * full), 1))
    values = np.random.default_rng(0).uniform(size=(100, cells)).astype(np.float32)
    result = axis.weights[0] * values[:, axis.lower] + axis.weights[1] * values[:, axis.upper]
    beyond = axis.lower == axis.upper
    assert (result[:, beyond] == values[:, -1:]).all()
    assert beyond.any() or factor < 1
    if factor >= 1:
        assert (result[:, 0] == values[:, 0]).all()
