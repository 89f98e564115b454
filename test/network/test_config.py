"""The shapes of networks as plain data."""

import json
from dataclasses import replace

import pytest

from panoptic_ros.network.backbones.config import BackboneConfig, StageConfig
from panoptic_ros.network.families.deeplab.config import NetworkConfig
from panoptic_ros.network.families.deeplab.variants import PRESETS, preset


@pytest.mark.parametrize('name', sorted(PRESETS))
def test_a_preset_survives_json(name):
    config = preset(name)
    assert NetworkConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_an_unknown_name_is_answered_with_those_known():
    with pytest.raises(ValueError, match=r"'resnet51'.*'mobile'.*'r50-bowenc'"):
        preset('resnet51')
    with pytest.raises(ValueError, match=r"'resnet51'.*'resnet50'"):
        BackboneConfig('resnet51', 16)


@pytest.mark.parametrize(('name', 'stride', 'expected'), [
    ('resnet50', 8, r'\(16, 32\)'), ('xception65', 8, r'\(16, 32\)'),
    ('hrnet48', 16, r'\(32,\)')])
def test_a_backbone_is_refused_an_output_stride_that_it_cannot_have(name, stride, expected):
    with pytest.raises(ValueError, match=f'of {name!r} is {stride}: expected one of {expected}'):
        BackboneConfig(name, stride)


def test_a_branch_has_a_map_for_each_fusion():
    config = preset('mobile')
    with pytest.raises(ValueError, match='as many low_level as decoder'):
        replace(config, semantic=replace(config.semantic, low_level=(48, 32)))
    with pytest.raises(ValueError, match='1 to 2, the maps finer than stride 16'):
        replace(config, backbone=BackboneConfig('resnet50', 16))


def test_branches_of_one_decoder_are_one():
    config = preset('mobile')
    with pytest.raises(ValueError, match='one decoder'):
        replace(config, decoders=1)
    assert replace(config, decoders=1, instance=replace(config.semantic, head=8)).decoders == 1


def test_stages_start_at_stride_4():
    config = preset('mobile').backbone
    first = replace(config.stages[0], stride=1)
    with pytest.raises(ValueError, match='stride 1: expected 2'):
        replace(config, stages=(first, *config.stages[1:]))
    assert config.output_stride == 32


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="block is 'dense'"):
        StageConfig('dense', 32, 1)
    with pytest.raises(ValueError, match='stride is 4'):
        StageConfig('basic', 32, 1, stride=4)
    with pytest.raises(ValueError, match='at least 1'):
        StageConfig('basic', 32, 0)
    with pytest.raises(ValueError, match=r"separable has \['head'\]"):
        replace(preset('mobile'), separable=('aspp', 'head'))
    with pytest.raises(ValueError, match=r'window is 500x1024.*nearest is 496x1024'):
        replace(preset('r52-detectron2'), window=(500, 1024))


@pytest.mark.parametrize(('name', 'good', 'bad', 'message'), [
    ('mobile', (96, 160), (100, 96), 'size is 100x96: .* multiples of 32: the nearest is 96x96'),
    ('r52', (80, 16), (10, 8), 'multiples of 16: the nearest is 16x16'),
    ('r52-detectron2', (512, 2048), (768, 1536), 'multiples of 512x1024.*nearest is 1024x2048'),
    ('r50-bowenc', (65, 129), (1024, 2048), 'multiples of 32, plus 1: .* is 1025x2049')])
def test_a_size_is_taken_or_answered_with_the_nearest(name, good, bad, message):
    config = preset(name)
    config.check_size(good)
    with pytest.raises(ValueError, match=message):
        config.check_size(bad)


def test_a_network_that_aligns_corners_takes_multiples_when_they_are_padded():
    config = preset('r50-bowenc')
    config.check_size((1024, 2049), padded=True)
    with pytest.raises(ValueError, match=r'size is 512x1000: .* the nearest is 513x993'):
        config.check_size((512, 1000), padded=True)


def test_another_output_stride_keeps_the_reach_of_the_aspp():
    config = preset('r52').with_output_stride(32)
    assert config.output_stride == 32
    assert config.rates == (3, 6, 9)
    with pytest.raises(ValueError, match='maps finer than stride 16'):
        preset('r50').with_output_stride(16)
    with pytest.raises(ValueError, match='change them'):
        preset('mobile').with_output_stride(16)
    with pytest.raises(ValueError, match=r"output_stride of 'resnet50' is 8: expected .*16, 32"):
        preset('r50').with_output_stride(8)
