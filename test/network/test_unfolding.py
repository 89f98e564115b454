import engines
import numpy as np
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('onnx')

from panoptic_ros.network.checkpoint import CheckpointError  # noqa: E402
from panoptic_ros.network.families.deeplab.unfolding import unfold  # noqa: E402
from panoptic_ros.resources import share_directory  # noqa: E402
from panoptic_ros.streets import Drive  # noqa: E402

pytestmark = pytest.mark.torch

MODEL = share_directory() / 'models' / 'streets.onnx'


@pytest.fixture(scope='module')
def images():
    return [Drive(seed=seed, size=(256, 512)).frame(1.0)[0] for seed in range(4)]


@pytest.fixture(scope='module')
def checkpoint(images):
    return unfold(MODEL, images)


def test_the_network_computes_what_the_file_does(checkpoint):
    image = Drive(seed=9, size=(512, 1024)).frame(0.0)[0]
    expected = engines.heads(engines.load(MODEL), image[None])[0]
    with torch.no_grad():
        heads = checkpoint.network()(torch.from_numpy(image)[None])
    for head, name in zip(heads, ('semantic', 'center', 'offset'), strict=True):
        wanted = getattr(expected, name)
        difference = abs(head[0].numpy().reshape(wanted.shape) - wanted).max()
        assert difference < 2e-4 * abs(wanted).max(), name


def test_training_goes_on_where_the_file_ended(checkpoint, images):
    """With the statistics of a batch, too, the network does nearly what it did."""
    network = checkpoint.network()
    batch = torch.from_numpy(np.stack(images))
    with torch.no_grad():
        calm = network(batch)[0]
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.train()
        trained = network(batch)[0]
    assert (calm.argmax(1) == trained.argmax(1)).float().mean() > 0.99


def test_another_file_is_refused(tiny_onnx, images):
    with pytest.raises(CheckpointError, match="no network 'tiny'"):
        unfold(tiny_onnx, images)
    with pytest.raises(CheckpointError, match='give some'):
        unfold(MODEL, [])
