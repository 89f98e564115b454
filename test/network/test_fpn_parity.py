"""
A Panoptic-FPN gives what detectron2's own code gives for the same weights and the same image.

``recorded/fpn.npz`` holds what detectron2 02b5c4e2 gave for ``fpn_networks.SMALL``, its
configuration panoptic_fpn_R_50_1x with small heads, for weights and an image by recipe: the logits
of stuff before the last upsampling, the detections (the masks of the first ones), and the panoptic
image with stuff of at least 200 pixels.  Stand-ins in Python for torchvision's RoIAlign and NMS
took one sample and one box after the other.
"""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='networks need PyTorch')
pytest.importorskip('onnx', reason='exporting needs onnx')
pytest.importorskip('onnxruntime', reason='exporting is checked by ONNX Runtime')

import fpn_networks as nets  # noqa: E402
from foreign_checkpoints import pkl  # noqa: E402
from recorded_network import FOLDER  # noqa: E402

from panoptic_ros import Segmenter  # noqa: E402
from panoptic_ros.cli import export, import_checkpoint  # noqa: E402
from panoptic_ros.engine import OnnxEngine  # noqa: E402
from panoptic_ros.families import fpn  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402
from panoptic_ros.pipelines.contract import contract  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]
TOLERANCES = {'semantic': 2e-3, 'boxes': 0.01, 'scores': 1e-4, 'classes': 0, 'masks': 1e-4}
"""Of logits up to 20, of pixels, of probabilities."""


@pytest.fixture(scope='module')
def recorded():
    found = dict(np.load(FOLDER / 'fpn.npz'))
    return found | {'masks': found['masks'] / np.float32(65535)}


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """The published file, and what the commands make of it."""
    folder = tmp_path_factory.mktemp('fpn')
    (folder / 'small.pkl').write_bytes(pkl(nets.source_weights(nets.filled())))
    import_checkpoint.main([str(folder / 'small.pkl'), '-o', str(folder / 'small.pt')])
    export.main([str(folder / 'small.pt'), '-o', str(folder / 'small.onnx'), '--size', '128x192',
                 '--fpn.stuff-area', '200'])
    return folder


def differences(outputs, expected):
    """The largest difference of each output of one image; there are as many detections."""
    outputs = dict(zip(fpn.detections.NAMES, outputs, strict=True))
    assert int((outputs['scores'] > 0).sum()) == len(expected['scores'])
    return {name: float(np.abs(outputs[name][:len(expected[name])].astype(float)
                               - expected[name]).max()) for name in outputs}


def test_the_imported_network_gives_what_the_source_gives(files, recorded):
    network = Checkpoint.load(files / 'small.pt').network()
    with torch.inference_mode():
        outputs = network(torch.from_numpy(nets.image_of()[None]))
    found = differences([output[0].numpy() for output in outputs], recorded)
    assert all(found[name] <= limit for name, limit in TOLERANCES.items()), found


def test_the_exported_file_gives_what_the_source_gives(files, recorded):
    """Also for the second image of two."""
    engine = OnnxEngine(files / 'small.onnx', contract)
    outputs = engine(np.stack([nets.image_of(seed=8), nets.image_of()]))
    found = differences([outputs[name][1] for name in fpn.detections.NAMES], recorded)
    assert all(found[name] <= limit for name, limit in TOLERANCES.items()), found


@pytest.mark.parametrize('method', ['reference', 'file'])
def test_the_panoptic_image_is_the_source_s(files, recorded, method):
    """By the definition, and from the file to the labels; rounding may move an edge."""
    things, stuff = np.flatnonzero(nets.SPACE.is_thing), np.flatnonzero(~nets.SPACE.is_thing)
    classes = [things[category] if thing else stuff[category - 1] for category, thing
               in zip(recorded['categories'], recorded['things'], strict=True)]
    image, segmenter = nets.image_of(), Segmenter.open(files / 'small.onnx', 'cpu')
    assert segmenter.options == fpn.Options(stuff_area=200)
    if method == 'file':
        panoptic = segmenter(image)
    else:
        with torch.inference_mode():
            outputs = Checkpoint.load(files / 'small.pt').network()(torch.from_numpy(image[None]))
        detections = fpn.Detections(*(output[0].numpy() for output in outputs), nets.SIZE)
        panoptic = fpn.decode(detections, nets.SPACE, nets.SIZE, 'reference', segmenter.options)
    expected = np.concatenate(((255,), classes))[recorded['segments']]
    assert (panoptic.semantic() != expected).sum() <= 3
    assert len(panoptic.segments) == len(classes) > 40
    pairs, pixels = np.unique(np.stack((panoptic.labels, recorded['segments'])).reshape(2, -1),
                              axis=1, return_counts=True)
    same = [pixels[pairs[1] == segment].max() for segment in range(len(classes) + 1)]
    assert panoptic.labels.size - sum(same) <= 3        # each segment has one label
    assert len({*pairs[0, pixels > 3]}) == len(same)    # which no other has
