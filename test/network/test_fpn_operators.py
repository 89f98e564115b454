"""Suppression and RoIAlign are those of torchvision, one box and one sample after the other."""

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip('torch', reason='networks need PyTorch')
onnx = pytest.importorskip('onnx', reason='exporting needs onnx')
ort = pytest.importorskip('onnxruntime', reason='exporting is checked by ONNX Runtime')

from onnx import inliner  # noqa: E402

from panoptic_ros.network.families.fpn import onnx_functions  # noqa: E402
from panoptic_ros.network.families.fpn.boxes import overlaps  # noqa: E402
from panoptic_ros.network.families.fpn.order import in_order  # noqa: E402
from panoptic_ros.network.families.fpn.pooling import BORDERS, align  # noqa: E402
from panoptic_ros.network.families.fpn.suppression import pick, suppress  # noqa: E402

pytestmark = pytest.mark.torch


def session(operator, inputs, outputs, **attributes):
    """A model of one operator of ours, or of ONNX, in ONNX Runtime."""
    kinds = {'int64': onnx.TensorProto.INT64, 'float32': onnx.TensorProto.FLOAT}
    domain = '' if operator == 'RoiAlign' else onnx_functions.DOMAIN
    node = onnx.helper.make_node(operator, list(inputs), outputs, domain=domain, **attributes)
    graph = onnx.helper.make_graph(
        [node], 'one', [onnx.helper.make_tensor_value_info(name, kinds[kind], shape)
                        for name, (kind, shape) in inputs.items()],
        [onnx.helper.make_empty_tensor_value_info(name) for name in outputs])
    model = onnx.helper.make_model(
        graph, functions=[] if not domain else list(onnx_functions.FUNCTIONS), ir_version=10,
        opset_imports=[onnx.helper.make_opsetid('', 18),
                       onnx.helper.make_opsetid(onnx_functions.DOMAIN, 1)])
    model = inliner.inline_local_functions(model)
    return ort.InferenceSession(model.SerializeToString(), providers=['CPUExecutionProvider'])


@pytest.fixture(scope='module')
def onnx_suppress():
    return session('Suppress', {'over': ('float32', ['B', 'K', 'K'])}, ['kept'])


@pytest.fixture(scope='module')
def onnx_pick():
    return session('Pick', {'scores': ('float32', ['N', 'P', 'C']),
                            'boxes': ('float32', ['N', 'P', 'C', 4]), 'count': ('int64', []),
                            'threshold': ('float32', [])}, ['score', 'own', 'box'])


def one_after_the_other(boxes, threshold):
    """Non-maximum suppression of boxes, the best first: the rows that are kept."""
    kept, over = [], (overlaps(boxes[:, None], boxes) > threshold).numpy()
    for row in range(len(boxes)):
        if not over[kept, row].any():
            kept.append(row)
    return kept


def some_boxes(random, *shape):
    """Boxes that overlap often, some of them equal and some without area."""
    start = random.integers(0, 8, (*shape, 2))
    return torch.from_numpy(np.concatenate(
        (start, start + random.integers(0, 9, (*shape, 2))), -1)).float()


seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@settings(max_examples=examples(60))
@given(seeds, st.integers(1, 3), st.integers(1, 40), st.sampled_from([0.1, 0.5, 0.7]))
def test_boxes_are_suppressed_as_one_after_the_other(onnx_suppress, random, sets, count,
                                                     threshold):
    boxes = some_boxes(random, sets, count)
    over = overlaps(boxes[:, :, None], boxes[:, None]) > threshold
    over = (over & (torch.arange(count)[:, None] < torch.arange(count))).float()
    kept = suppress(over)
    assert [np.flatnonzero(row).tolist() for row in kept.numpy()] == [
        one_after_the_other(own, threshold) for own in boxes]
    np.testing.assert_array_equal(onnx_suppress.run(None, {'over': over.numpy()})[0], kept)


def test_the_longest_chain_of_suppression_is_followed_to_its_end(onnx_suppress):
    """Each box suppresses the next one, so every second one is kept, after as many rounds."""
    chain = torch.diag(torch.ones(199), 1)[None]
    expected = (torch.arange(200) % 2 == 0).float()[None]
    assert torch.equal(suppress(chain), expected)
    np.testing.assert_array_equal(onnx_suppress.run(None, {'over': chain.numpy()})[0], expected)


@settings(max_examples=examples(60))
@given(seeds, st.integers(1, 2), st.integers(1, 15), st.integers(1, 4), st.integers(1, 12))
def test_the_best_of_all_classes_are_picked(onnx_pick, random, images, rows, classes, count):
    """Suppression class by class, then the best; scores are often equal."""
    scores = torch.from_numpy(random.integers(0, 6, (images, rows, classes)) / 8).float()
    boxes, threshold = some_boxes(random, images, rows, classes), 0.5
    found = pick(scores, boxes, count, threshold)
    for image in range(images):
        kept = []
        for own in range(classes):
            order = np.argsort(-scores[image, :, own].numpy(), kind='stable')
            order = order[scores[image, order, own].numpy() > 0]
            kept += [(-float(scores[image, order[row], own]), int(order[row]), own) for row
                     in one_after_the_other(boxes[image, order, own], threshold)]
        kept = sorted(kept)[:count]
        assert found.scores[image].tolist() == [-s for s, _, _ in kept] + [0] * (count - len(kept))
        assert found.classes[image, :len(kept)].tolist() == [own for _, _, own in kept]
        for place, (_, row, own) in enumerate(kept):
            assert torch.equal(found.boxes[image, place], boxes[image, row, own])
    there = (found.scores > 0).numpy()
    others = onnx_pick.run(None, {
        'scores': scores.numpy(), 'boxes': boxes.numpy(), 'count': np.array(count),
        'threshold': np.array(threshold, np.float32)})
    np.testing.assert_array_equal(others[0], found.scores)
    for other, ours in zip(others[1:], found[1:], strict=True):
        np.testing.assert_array_equal(other[there], ours[there])


@settings(max_examples=examples(30))
@given(seeds, st.integers(1, 6))
def test_features_of_boxes_are_those_of_onnx(random, count):
    """Also of boxes without area, of boxes that leave the map, and of narrow ones."""
    features = random.random((2, 3, 9, 14), np.float32)
    start = random.random((count, 2), np.float32) * 80 - 20
    boxes = np.concatenate((start, start + random.random((count, 2), np.float32) ** 3 * 90), 1)
    boxes[:1] = 0
    image = random.integers(0, 2, count)
    found = align(*map(torch.from_numpy, (features, boxes, image)), 4, 7).numpy()
    operator = session(
        'RoiAlign', {'x': ('float32', [2, 3, 9, 14]), 'rois': ('float32', [count, 4]),
                     'image': ('int64', [count])}, ['y'], mode='avg', output_height=7,
        output_width=7, sampling_ratio=0, spatial_scale=0.25,
        coordinate_transformation_mode='half_pixel')
    expected, = operator.run(None, {'x': features, 'rois': boxes, 'image': image})
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not found[0].any()


def test_features_of_boxes_give_their_gradient_to_the_map():
    """The mean is linear, so its derivative along any change of the map is the mean of that."""
    torch.manual_seed(0)
    features, change = torch.rand(2, 2, 3, 9, 14, dtype=torch.float32)
    features.requires_grad_()
    boxes = torch.tensor([[0, 0, 56, 36], [3, 5, 11.5, 30], [20, 20, 21, 20.5], [0, 0, 0, 0]])
    image, weight = torch.tensor([0, 1, 1, 0]), torch.rand(4, 3, 7, 7)
    (align(features, boxes, image, 4, 7) * weight).sum().backward()
    expected = (align(change, boxes, image, 4, 7) * weight).sum()
    torch.testing.assert_close((features.grad * change).sum(), expected)
    assert align(features, boxes[:0], image[:0], 4, 7).shape == (0, 3, 7, 7)


def test_a_box_goes_to_the_map_that_the_paper_says():
    sizes = torch.cat((torch.linspace(1, 900, 4001), torch.tensor(BORDERS)))
    paper = (4 + (sizes / 224 + 1e-8).log2()).floor().clamp(2, 5) - 2
    ours = sum((sizes >= border).float() for border in BORDERS)
    assert torch.equal(ours, paper)


def test_rows_are_compared_with_the_nearest_of_their_class():
    random = np.random.default_rng(0)
    outputs = [random.random(shape) for shape in
               ((2, 3, 4, 4), (2, 6, 4), (2, 6), (2, 6), (2, 6, 2, 2))]
    outputs[1][:, 1] = outputs[1][:, 0]                    # one box of two classes
    outputs[3] = np.tile([0, 1, 2, 0, 1, 0], (2, 1))
    for name in (1, 2, 3, 4):
        outputs[name][:, 5] = 0                            # no detection
    order = np.array([4, 1, 0, 3, 5, 2])
    mixed = [outputs[0], *(values[:, order] for values in outputs[1:])]
    for found, expected in zip(in_order(mixed, outputs), outputs, strict=True):
        np.testing.assert_array_equal(found, expected)
