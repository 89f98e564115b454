import subprocess
import sys
import zlib

import numpy as np
import pytest

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.streets import Drive, Variety
from panoptic_ros.streets.classes import Kind
from panoptic_ros.streets.layouts import LAYOUTS, lay_out
from panoptic_ros.streets.objects.figures import Outfit
from panoptic_ros.streets.objects.row_ahead import RowAhead
from panoptic_ros.streets.road import Road

CONTENTS = Variety(contents=True)
SMALL = (96, 192)
SPACE = LabelSpace.load('cityscapes')


def road(seed):
    return lay_out(seed, Road.draw(np.random.default_rng([seed, 7])))


def first_seeds():
    """Return the first seed of each layout."""
    seeds = {}
    for seed in range(200):
        seeds.setdefault(road(seed).layout, seed)
        if len(seeds) == len(LAYOUTS):
            break
    return seeds


SEEDS = first_seeds()


@pytest.fixture(scope='module')
def drives():
    return {name: Drive(seed, SMALL, CONTENTS) for name, seed in SEEDS.items()}


def checksum(drive, time):
    image, labels = drive.image_and_labels(time)
    return zlib.crc32(labels.tobytes(), zlib.crc32(image.tobytes()))


def test_every_layout_is_drawn_and_some_drives_keep_the_plain_road():
    assert set(SEEDS) == set(LAYOUTS)
    plain = Road.draw(np.random.default_rng([SEEDS['classic'], 7]))
    kept = road(SEEDS['classic'])
    assert (kept.right, kept.left, kept.lane) == (plain.right, plain.left, plain.lane)


@pytest.mark.slow
@pytest.mark.parametrize('name', LAYOUTS)
def test_frames_show_the_layouts_with_exact_labels(drives, name):
    image, truth = drives[name].frame(3.0)
    truth.check()
    assert image.std() > 12
    assert (truth.semantic()[int(.85 * SMALL[0]):] != Kind.SKY).all()
    seen = set(np.unique(truth.semantic()).tolist())
    assert {Kind.ROAD, Kind.BUILDING, Kind.VEGETATION} <= seen or name in ('narrow', 'country')
    assert len(seen) >= 6


@pytest.mark.parametrize('name', LAYOUTS)
def test_no_two_things_share_a_label(drives, name):
    scene = drives[name].scene
    for time in (3.0, 40.0):
        labels = [item for presence in scene.around(time) for item in presence.instances.items()]
        assert len(labels) == len(set(labels))
        assert all(0 < instance < 1000 for _, instance in labels)


@pytest.mark.slow
def test_frames_do_not_depend_on_what_was_asked_before(drives):
    drive = drives['narrow']
    other = Drive(drive.seed, SMALL, CONTENTS)
    times = [40.0, 3.0]
    forward = [checksum(drive, time) for time in times]
    assert forward == [checksum(other, time) for time in times[::-1]][::-1]


@pytest.mark.slow
def test_frames_are_the_same_in_another_process(drives):
    drive = drives['narrow']
    code = ('import zlib; from panoptic_ros.streets import Drive, Variety; '
            f'image, labels = Drive({drive.seed}, {SMALL}, Variety(contents=True))'
            '.image_and_labels(3.0); '
            'print(zlib.crc32(labels.tobytes(), zlib.crc32(image.tobytes())))')
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True,
                         timeout=120)
    assert int(out.stdout) == checksum(drive, 3.0)


@pytest.mark.slow
def test_things_keep_their_label_while_they_move(drives):
    drive = drives['narrow']
    kept = []
    _, before = drive.frame(10.0)
    for step in range(1, 4):
        _, now = drive.frame(10.0 + .05 * step)
        for row in np.flatnonzero(before.things.area > 60):
            x0, _, x1, _ = before.things.box[row]
            if x0 > 6 and x1 < SMALL[1] - 6:
                kept.append(before.things.label[row] in now.things.label)
        before = now
    assert len(kept) > 20
    assert np.mean(kept) > .95


def test_houses_across_the_road_hide_what_is_beyond_them(drives):
    scene = drives['narrow'].scene
    found = 0
    for time in np.arange(0, 40, 2.0):
        around = scene.around(time)
        ends = [p.place.s for p in around if isinstance(p.actor, RowAhead)]
        assert len(ends) <= 1
        found += len(ends)
        for end in ends:
            assert end > scene.camera_s(time) + 10
            assert max(p.place.s for p in around) <= end
    assert found


@pytest.mark.slow
def test_what_has_no_class_is_unlabelled(drives):
    shares = []
    for drive in drives.values():
        _, labels = drive.image_and_labels(3.0)
        shares.append((labels[:int(.85 * SMALL[0])] == UNLABELED).mean())
    assert max(shares) > 0
    assert np.mean(shares) < .05


def test_every_thing_is_met(drives):
    met = {kind for drive in drives.values() for time in (3.0, 40.0)
           for presence in drive.scene.around(time) for kind in presence.instances}
    assert met >= set(Kind) & {Kind.PERSON, Kind.RIDER, Kind.CAR, Kind.TRUCK, Kind.BUS,
                               Kind.MOTORCYCLE, Kind.BICYCLE}


def test_outfits_differ():
    rng = np.random.default_rng(0)
    outfits = [Outfit.draw(rng) for _ in range(40)]
    assert len({outfit.hat for outfit in outfits}) > 2
    assert len({outfit.skirt > 0 for outfit in outfits}) == 2
    assert all(Outfit.draw(rng, 'motorcycle').hat == 'helmet' for _ in range(5))
