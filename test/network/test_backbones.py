"""The backbones of the literature compute what their sources do, under their sources' names."""

import hashlib

import pytest

torch = pytest.importorskip('torch', reason='the network needs PyTorch')

from recorded_network import fill, pixels, recorded, samples  # noqa: E402

from panoptic_ros.network.backbones.building import build  # noqa: E402
from panoptic_ros.network.backbones.config import BackboneConfig  # noqa: E402
from panoptic_ros.network.backbones.mobilenet import SqueezeExcite  # noqa: E402
from panoptic_ros.network.backbones.places import place  # noqa: E402
from panoptic_ros.network.families.deeplab.importing.backbones import rename  # noqa: E402

pytestmark = pytest.mark.torch

DILATED = ('mobilenet_v2', 'mobilenet_v3', 'xception65', 'xception71')
VARIANTS = [*((name, stride) for name in DILATED for stride in (16, 32)), ('hrnet48', 32)]
CHANNELS = {
    'mobilenet_v2': (24, 32, 96, 320), 'mobilenet_v3': (72, 120, 672, 960),
    'xception65': (256, 728, 728, 2048), 'xception71': (256, 728, 728, 2048),
    'hrnet48': (48, 96, 192, 384), 'efficientnet_lite0': (24, 40, 112, 320)}


def built(name, output_stride, device='cpu'):
    """Build without the time that random weights take."""
    with torch.device('meta'):
        backbone = build(BackboneConfig(name, output_stride))
    return backbone if device == 'meta' else fill(backbone.to_empty(device=device))


@pytest.fixture(scope='module', params=VARIANTS, ids='{0[0]}-{0[1]}'.format)
def variant(request):
    return *request.param, built(*request.param)


@torch.inference_mode()
def test_the_maps_are_those_on_which_source_and_backbone_agreed(variant):
    name, output_stride, backbone = variant
    expected = recorded('backbones')[name]['maps'][str(output_stride)]
    maps = backbone(pixels(65, 129))
    assert [list(features.shape) for features in maps] == [one['shape'] for one in expected]
    for features, one in zip(maps, expected, strict=True):
        torch.testing.assert_close(
            torch.tensor(samples(features)['values']), torch.tensor(one['values']),
            rtol=0, atol=1e-4 * one['largest'])


@pytest.mark.parametrize('size', [(32, 64), (33, 97)])
def test_maps_have_the_channels_that_the_backbone_tells_and_their_strides(variant, size):
    check_maps(*variant, size)


@pytest.mark.parametrize('output_stride', [16, 32])
def test_efficientnet_lite_is_padded_evenly(output_stride):
    """Its source pads as TensorFlow does, so there are no maps on which both agree."""
    check_maps('efficientnet_lite0', output_stride, built('efficientnet_lite0', output_stride),
               (33, 97))


@torch.inference_mode()
def check_maps(name, output_stride, backbone, size):
    *finer, coarsest = CHANNELS[name]
    strides = (4, 8, 16, 32) if output_stride == 32 else (4, 8, 16)
    assert backbone.channels == (*finer[:len(strides) - 1], coarsest)
    assert [tuple(features.shape) for features in backbone(pixels(*size))] == [
        (1, channels, *(-(-side // stride) for side in size))
        for channels, stride in zip(backbone.channels, strides, strict=True)]


@pytest.mark.parametrize('name', ['mobilenet_v2', 'mobilenet_v3', 'efficientnet_lite0',
                                  'xception71'])
@torch.inference_mode()
def test_the_same_weights_at_output_stride_16_see_the_same_at_twice_the_resolution(name):
    fine, coarse = built(name, 16), built(name, 32, 'meta').eval()
    coarse.load_state_dict(fine.state_dict(), assign=True)
    for backbone in (fine, coarse):
        for block in backbone.blocks:
            if isinstance(getattr(block, 'squeeze', None), SqueezeExcite):
                block.squeeze = torch.nn.Identity()     # which averages over the whole map
    ours, theirs = fine(pixels(65, 65)), coarse(pixels(65, 65))
    for mine, other in zip(ours[:2], theirs[:2], strict=True):
        assert torch.equal(mine, other)
    torch.testing.assert_close(ours[-1][..., ::2, ::2], theirs[-1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(('name', 'classifier', 'millions'), [
    ('mobilenet_v2', 320 * 1280 + 2 * 1280 + 1281 * 1000, 3.50),    # torchvision
    ('mobilenet_v3', 961 * 1280 + 1281 * 1000, 5.48),               # torchvision
    ('efficientnet_lite0', 320 * 1280 + 2 * 1280 + 1281 * 1000, 4.65),      # its authors
    ('xception65', 2049 * 1000, 39.92),                             # timm
    ('xception71', 2049 * 1000, 42.34),                             # timm
    ('hrnet48', 0, 65.33),                                          # bowenc0221, counted
])
def test_parameters_with_the_classifier_are_as_many_as_published(name, classifier, millions):
    ours = sum(parameter.numel() for parameter in built(name, 32, 'meta').parameters())
    assert round((ours + classifier) / 1e6, 2) == millions


@pytest.mark.parametrize('name', ['mobilenet_v2', 'mobilenet_v3', 'efficientnet_lite0',
                                  'xception65', 'hrnet48'])
def test_source_names_and_shapes_are_exactly_the_source_s(name):
    expected, backbone = recorded('backbones')[name], built(name, 32, 'meta')
    state = backbone.state_dict()
    names = rename(backbone)
    assert sorted(names.values()) == sorted(state)
    lines = sorted(f'{theirs} {tuple(state[ours].shape)}' for theirs, ours in names.items())
    assert len(lines) == expected['keys']
    assert hashlib.sha256('\n'.join(lines).encode()).hexdigest() == expected['keys_sha256']


@pytest.mark.parametrize(('name', 'theirs', 'ours'), [
    ('mobilenet_v2', 'features.1.conv.1.weight', 'blocks.0.project.0.weight'),
    ('mobilenet_v2', 'features.17.conv.3.running_var', 'blocks.16.project.1.running_var'),
    ('mobilenet_v3', 'features.4.block.2.fc1.bias', 'blocks.3.squeeze.reduce.bias'),
    ('mobilenet_v3', 'features.7.block.2.1.weight', 'blocks.6.project.1.weight'),
    ('efficientnet_lite0', '_blocks.3._depthwise_conv.weight', 'blocks.3.depthwise.0.weight'),
    ('xception65', 'block1.sep_conv3.block.bn_point.bias',
     'blocks.0.separable.2.pointwise.1.bias'),
    ('xception65', 'block20.bn.weight', 'blocks.19.shortcut.1.weight'),
    ('hrnet48', 'transition3.3.0.0.weight', 'transitions.2.0.weight'),
    ('hrnet48', 'stage4.2.fuse_layers.3.0.1.1.bias', 'stages.2.2.fuse.3.0.1.1.bias'),
])
def test_each_entry_is_found_under_the_name_of_its_source(name, theirs, ours):
    assert rename(built(name, 32, 'meta'))[theirs] == ours


def test_a_backbone_without_a_source_has_no_names_to_import():
    with pytest.raises(ValueError, match='no source is known for a Identity'):
        rename(torch.nn.Identity())


def test_a_block_that_keeps_its_resolution_is_not_dilated_but_those_after_it():
    steps = [(at.step, at.dilation, at.stride, at.last) for at in place([2, 2, 2, 2, 1], 16)]
    assert steps == [(2, 1, 4, True), (2, 1, 8, True), (2, 1, 16, False), (1, 1, 16, False),
                     (1, 2, 16, True)]
