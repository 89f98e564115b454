import subprocess
import sys
import zlib
from dataclasses import replace

import numpy as np
import pytest

from panoptic_ros import UNLABELED
from panoptic_ros.streets import PLAIN, VARIED, Drive
from panoptic_ros.streets.patterns import LEVELS, SIDE, Pattern, bank
from panoptic_ros.streets.variety import Variety
from panoptic_ros.streets.viewpoint import Viewpoint

SMALL = (96, 192)
LOOKS = Variety(textures=True, light=True, random=True)


def checksum(image, labels):
    return zlib.crc32(labels.tobytes(), zlib.crc32(image.tobytes()))


@pytest.mark.parametrize(('seed', 'expected'), [(3, 805718326), (11, 1665707627),
                                                (20, 1184343762)])
def test_plain_drives_keep_every_byte(seed, expected):
    assert checksum(*Drive(seed, SMALL, PLAIN).image_and_labels(4.0)) == expected


@pytest.mark.slow
@pytest.mark.parametrize('part', ['textures', 'light', 'cameras', 'random'])
def test_each_part_changes_images_by_itself(part):
    varied = replace(PLAIN, **{part: True})
    plain, labels = Drive(3, SMALL).image_and_labels(4.0)
    image, varied_labels = Drive(3, SMALL, varied).image_and_labels(4.0)
    assert image.shape == plain.shape
    assert np.abs(image.astype(int) - plain).mean() > 1
    assert (varied_labels == labels).all() == (part != 'cameras')


@pytest.mark.slow
@pytest.mark.parametrize('seed', range(2))
def test_looks_never_change_labels(seed):
    for time in (2.0, 90.0):
        _, plain = Drive(seed, SMALL, Variety(cameras=True)).image_and_labels(time)
        _, varied = Drive(seed, SMALL, replace(LOOKS, cameras=True)).image_and_labels(time)
        assert (plain == varied).all()


@pytest.mark.slow
def test_varied_frames_are_the_same_in_another_process_and_order():
    code = ('import zlib; from panoptic_ros.streets import VARIED, Drive; '
            f'image, labels = Drive(11, {SMALL}, VARIED).image_and_labels(9.5); '
            'print(zlib.crc32(labels.tobytes(), zlib.crc32(image.tobytes())))')
    drive = Drive(11, SMALL, VARIED)
    later = checksum(*drive.image_and_labels(30.0))
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True,
                         timeout=120)
    assert int(out.stdout) == checksum(*drive.image_and_labels(9.5)) != later


def test_patterns_are_seamless_and_smaller_versions_agree():
    atlas, starts = bank()
    for pattern in Pattern:
        full = atlas[pattern, :SIDE * SIDE].reshape(SIDE, SIDE).astype(float)
        assert abs(full.mean() - 128) < 4
        assert 25 < full.std() < 45
        inner = np.abs(np.diff(full, axis=1)).mean(0).max()
        assert np.abs(full[:, 0] - full[:, -1]).mean() < 1.5 * inner + 2
        last = atlas[pattern, starts[LEVELS - 1]:]
        assert abs(last.mean() - full.mean()) < 4


def test_cameras_see_the_horizon_where_real_ones_do():
    for seed in range(60):
        view = Viewpoint.draw(seed, (512, 1024))
        horizon = view.center[1] - view.focal * np.tan(view.pitch)
        assert 0.29 < horizon / 512 < 0.63
        assert 1.1 <= view.high <= 2.6
        assert 0.49 < view.focal / 1024 < 1.31


@pytest.mark.parametrize('seed', range(8))
def test_the_ground_reaches_down_to_the_lower_edge(seed):
    drive = Drive(seed, SMALL, Variety(cameras=True))
    _, labels = drive.image_and_labels(3.0)
    hood = drive.viewpoint.hood
    sky = drive.label_space.semantic(labels)[-20:] == 10
    assert not sky.any()
    assert (labels == UNLABELED).any() == (hood is not None)
