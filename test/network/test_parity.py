"""
The heads of the sources' networks stay those that agreed with the sources' own code.

The weights are made by recipe from our names of them.  With the same weights under the sources'
names, the sources' code gave the same upsampled heads: ``recorded/heads.json`` says which code,
how much they differed, and what our heads were.
"""

from dataclasses import replace

import pytest

torch = pytest.importorskip('torch', reason='the network needs PyTorch')

import numpy as np  # noqa: E402
import recorded_network  # noqa: E402

from panoptic_ros.network.families.deeplab.model import PanopticDeepLab  # noqa: E402
from panoptic_ros.network.families.deeplab.variants import PRESETS  # noqa: E402

pytestmark = pytest.mark.torch

CASES = [
    ('r52-detectron2', (64, 128), (64, 128)),
    ('r52-dsconv-detectron2', (64, 128), (128, 256)),
    ('r50-bowenc', (1025, 2049), (65, 129)),
    ('mobilenet_v2-bowenc', (65, 129), (97, 161)),
]
"""Network, window and size of the image: the window as large, smaller, and too large."""


@torch.inference_mode()
def heads_of(name, window, size):
    """Return the heads of a noisy image as a few values each and a checksum of all."""
    network = recorded_network.fill(PanopticDeepLab(replace(PRESETS[name], window=window), 19))
    noise = np.random.RandomState(0).randint(0, 256, (1, *size, 3), dtype=np.uint8)
    result = {}
    for kind, head in zip(('semantic', 'center', 'offset'), network(torch.from_numpy(noise)),
                          strict=True):
        flat = head.flatten().double()
        spread = torch.cos(torch.arange(len(flat), dtype=torch.float64))
        result[kind] = {**recorded_network.samples(head),
                        'checksum': round(float((flat * spread).abs().mean()), 6)}
    return result


@pytest.mark.parametrize(('name', 'window', 'size'), CASES, ids=[case[0] for case in CASES])
def test_heads_are_those_that_agreed_with_the_source(name, window, size):
    recorded = recorded_network.recorded('heads')[name]
    assert max(recorded['difference']) < 1e-4
    for kind, head in heads_of(name, window, size).items():
        expected = recorded['heads'][kind]
        assert head['shape'] == expected['shape']
        tolerance = 1e-4 * expected['largest']
        assert head['values'] == pytest.approx(expected['values'], abs=tolerance)
        assert head['checksum'] == pytest.approx(expected['checksum'], abs=tolerance)
