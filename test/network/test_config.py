"""The shapes of networks as plain data."""

import json
from dataclasses import replace

import pytest

from panoptic_ros.network.config import PRESETS, NetworkConfig, StageConfig


@pytest.mark.parametrize('name', sorted(PRESETS))
def test_a_preset_survives_json(name):
    config = NetworkConfig.preset(name)
    assert NetworkConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_strides_follow_from_the_stages():
    assert NetworkConfig.preset('mobile').output_stride == 32
    assert NetworkConfig.preset('mobile').low_levels == (16, 8, 4)
    assert NetworkConfig.preset('resnet50').output_stride == 16
    assert NetworkConfig.preset('resnet50').low_levels == (8, 4)


def test_an_unknown_name_is_answered_with_those_known():
    with pytest.raises(ValueError, match=r"'resnet51'.*'mobile', 'resnet50'"):
        NetworkConfig.preset('resnet51')


def test_a_branch_must_reach_stride_4():
    config = NetworkConfig.preset('mobile')
    short = replace(config.semantic, low_level=(48, 32), decoder=(96, 64))
    with pytest.raises(ValueError, match='stride 4'):
        replace(config, semantic=short)
    with pytest.raises(ValueError, match='as many low_level as decoder'):
        replace(config, semantic=replace(config.semantic, low_level=(48, 32)))


def test_stages_start_at_stride_4():
    config = NetworkConfig.preset('mobile')
    first = replace(config.stages[0], stride=1)
    with pytest.raises(ValueError, match='stride 1: expected 2'):
        replace(config, stages=(first, *config.stages[1:]))


def test_nonsensical_stages_are_refused():
    with pytest.raises(ValueError, match="block is 'dense'"):
        StageConfig('dense', 32, 1)
    with pytest.raises(ValueError, match='stride is 4'):
        StageConfig('basic', 32, 1, stride=4)
    with pytest.raises(ValueError, match='at least 1'):
        StageConfig('basic', 32, 0)
