"""The exported small mask network does what PyTorch does, and its file says how to decode it."""

import engines
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='exporting needs PyTorch')
onnx = pytest.importorskip('onnx', reason='exporting needs onnx')
pytest.importorskip('onnxscript', reason="PyTorch's exporter needs onnxscript")
pytest.importorskip('onnxruntime', reason='exporting is checked by ONNX Runtime')

from tiny_masks import TINY  # noqa: E402

from panoptic_ros.families import masks  # noqa: E402
from panoptic_ros.labels import LabelSpace  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint, CheckpointError  # noqa: E402
from panoptic_ros.network.export import export_onnx  # noqa: E402
from panoptic_ros.network.families.deeplab.unfolding import unfolded  # noqa: E402
from panoptic_ros.network.families.masks.mobile import MobileMasks  # noqa: E402

pytestmark = pytest.mark.torch

SIZE = (64, 96)
SPACE = LabelSpace.load('cityscapes')


@pytest.fixture(scope='module')
def checkpoint():
    torch.manual_seed(1)
    network = MobileMasks(TINY, len(SPACE))
    with torch.no_grad():
        network.query_decoder.predictor.classes.weight.mul_(8)      # so that some are kept
        for name, buffer in network.named_buffers():
            if name.endswith('running_mean'):
                buffer.normal_(0, 0.1)
            elif name.endswith('running_var'):
                buffer.uniform_(0.5, 1.5)
    return Checkpoint(TINY, SPACE, network.state_dict(), {}, {})


@pytest.fixture(scope='module')
def model(checkpoint, tmp_path_factory):
    path = tmp_path_factory.mktemp('export') / 'model.onnx'
    assert export_onnx(checkpoint, path, SIZE) < 1e-4
    return path


def test_no_training_starts_from_the_file(model):
    with pytest.raises(CheckpointError, match=r"of network 'tiny' of family 'masks': .* \.pt,"):
        unfolded(model)


def test_the_file_does_what_the_network_does_for_any_number_of_images(checkpoint, model):
    engine = engines.load(model)
    assert engine.metadata.family == 'masks'
    assert engine.metadata.layout == {'queries': TINY.queries, 'stride': 4}
    images = np.random.default_rng(5).integers(0, 256, (3, *SIZE, 3), np.uint8)
    with torch.inference_mode():
        expected = checkpoint.network()(torch.from_numpy(images))
    outputs = engine(images)
    for name, tensor in zip(('classes', 'masks'), expected, strict=True):
        assert tensor.std() > 0
        np.testing.assert_allclose(outputs[name], tensor.numpy(),
                                   atol=1e-4 * float(tensor.abs().max()))


def test_nothing_in_the_graph_depends_on_the_data_but_values(model):
    used = {node.op_type for node in onnx.load(model).graph.node}
    assert 'TopK' in used
    assert not used & {'If', 'Loop', 'NonZero', 'GridSample', 'NonMaxSuppression', 'Scan'}


def test_what_the_file_puts_out_is_decoded(model):
    engine = engines.load(model)
    image = np.random.default_rng(2).integers(0, 256, SIZE + (3,), np.uint8)
    outputs = {name: value[0] for name, value in engine(image[None]).items()}
    queries = masks.queries_of(outputs, engine.metadata, (40, 72))
    panoptic = masks.decode(queries, SPACE, (40, 72), 'reference',
                            masks.Options(object_threshold=0.1, overlap_threshold=0.1))
    assert panoptic.labels.shape == (40, 72)
    assert len(panoptic.segments) > 0
