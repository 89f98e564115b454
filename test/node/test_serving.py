"""What becomes of a frame, with a segmenter and outputs that fail when they are told to."""

import time
from concurrent.futures import wait
from dataclasses import replace
from threading import Event
from unittest.mock import Mock

import numpy as np
import pytest
import tiny_model
from ros_harness import image_message
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from panoptic_ros import Segmenter
from panoptic_ros.device import DeviceError
from panoptic_ros.images import Limits, converter
from panoptic_ros.node.camera import Frame
from panoptic_ros.node.mishaps import Mishaps
from panoptic_ros.node.record import STAGES, Counts, Stamp
from panoptic_ros.node.serving import Server
from panoptic_ros.node.settings import Settings

SCENE = tiny_model.scene()
CAR = 13
NOW = Stamp(0.0, False, True)


def without_the_left_car():
    scene = SCENE.copy()
    scene[:, 8:50] = SCENE[:, :1]
    return scene


class Failing:
    """A segmenter that raises until it is repaired."""

    def __init__(self, segmenter):
        self.segmenter, self.broken, self.hated = segmenter, True, None
        self.family, self.recommended = segmenter.family, segmenter.recommended
        self.error, self.calls = RuntimeError('the engine broke'), 0

    def segment(self, images, confidence):
        self.calls += 1
        if self.broken or any(image.shape == self.hated for image in images):
            raise self.error
        return self.segmenter.segment(images, confidence)

    def gpu_memory(self):
        return 3, 4


def serve(server, segmenter, frames):
    wait([frame.begin(Limits()) for frame in frames])
    assert server.turn(segmenter, frames) == []


@pytest.fixture(scope='module')
def segmenter(tiny_onnx):
    return Segmenter.open(tiny_onnx)


@pytest.fixture
def camera(make_camera):
    return make_camera()


@pytest.fixture
def server():
    mishaps = Mishaps(Mock())
    server = Server(lambda: server.settings, mishaps)
    server.settings, server.mishaps = Settings(), mishaps
    return server


def frame(camera, encoding='bgr8', scene=SCENE, stamp=NOW):
    return Frame(camera, image_message(scene, encoding, Header(frame_id='front')),
                 time.perf_counter(), 0.25, stamp)


def compressed(camera):
    return Frame(camera, CompressedImage(), time.perf_counter(), 0.0, NOW)


def test_a_good_frame(server, camera, segmenter):
    serve(server, segmenter, [frame(camera)])
    (header, panoptic), = camera.outputs.published
    assert header.frame_id == 'front'
    assert np.array_equal(panoptic.labels, segmenter(SCENE).labels)
    assert camera.counts == Counts(segmented=1)
    assert camera.format == '128x64 bgr8'
    summary = camera.latency.summary()
    assert tuple(summary) == tuple(s for s in STAGES if s not in ('upload', 'download'))
    assert summary['receive'].max == 0.25
    parts = sum(stage.max for name, stage in summary.items() if name != 'total')
    assert parts <= summary['total'].max
    assert server.gpu_memory is None, 'on a processor'


def test_a_rejected_frame_and_a_good_one_after_it(server, camera, segmenter, logged):
    for _ in range(3):
        serve(server, segmenter, [frame(camera, '32FC1')])
    assert camera.counts == Counts(rejected=3)
    assert "'32FC1' is depth" in camera.rejection
    assert len(logged) == 1, 'said once'
    assert not camera.latency.summary()
    serve(server, segmenter, [frame(camera)])
    assert camera.rejection is None


def test_a_frame_that_cannot_be_converted_is_lost_alone(server, make_camera, segmenter,
                                                        logged, monkeypatch):
    front, rear = make_camera('front', 'compressed'), make_camera('rear')
    monkeypatch.setattr(converter, 'decompress', Mock(side_effect=MemoryError('no room')))
    for good in ([], [frame(rear)]):
        serve(server, segmenter, [compressed(front), *good])
        assert server.failure == 'MemoryError: no room'
    assert front.counts == Counts(failed=2)
    assert rear.counts == Counts(segmented=1)
    assert logged == ['a frame was lost: MemoryError: no room']


def test_an_engine_that_raises_loses_frames_until_it_recovers(server, camera, segmenter,
                                                              logged):
    engine = Failing(segmenter)
    for _ in range(2):
        serve(server, engine, [frame(camera)])
    assert camera.counts == Counts(failed=2)
    assert server.failure == 'RuntimeError: the engine broke'
    assert logged == ['a frame was lost: RuntimeError: the engine broke']
    engine.broken = False
    serve(server, engine, [frame(camera)])
    assert server.failure is None
    assert server.gpu_memory == (3, 4)
    assert camera.counts == Counts(segmented=1, failed=2)


def test_thresholds_are_those_of_the_moment(server, camera, segmenter):
    for top_k in (7, 3):
        server.settings = Settings(options={'deeplab.top_k': top_k})
        serve(server, segmenter, [frame(camera)])
        assert segmenter.options == replace(segmenter.recommended, top_k=top_k)


def cars_after(camera, server, segmenter, frames):
    for image in frames:
        serve(server, segmenter, [image])
    return [sorted(int(label) for label in panoptic.things.label if label // 1000 == CAR)
            for _, panoptic in camera.outputs.published]


def stamped(camera, scene, seconds, arrival):
    image = replace(frame(camera, scene=scene), arrival=arrival)
    image.message.header.stamp.sec = int(seconds)
    image.message.header.stamp.nanosec = round(1e9 * (seconds % 1))
    return image


def test_things_keep_their_numbers_while_tracking_is_on(server, camera, segmenter):
    """The left one of two cars leaves: the other is the second, or becomes the first."""
    alone = without_the_left_car()
    both = [frame(camera), frame(camera, scene=alone)]
    assert cars_after(camera, server, segmenter, both)[1] == [13002]
    server.settings = Settings(tracking=False)
    assert cars_after(camera, server, segmenter, [frame(camera, scene=alone)])[2] == [13001]


@pytest.mark.parametrize(('stamps', 'arrivals', 'second'), [
    ((1_700_000_000.25, 1_700_000_000.75), (10, 20), 13002),    # half a second by the stamps
    ((1_700_000_000.25, 1_700_000_002.0), (10, 10.1), 13003),   # a gap
    ((0, 0), (10, 10.5), 13002),                                # no stamps: by the arrival
    ((0, 0), (10, 20), 13003)])
def test_the_time_of_a_frame_is_its_stamp(server, camera, segmenter, stamps, arrivals, second):
    scenes = (SCENE, without_the_left_car())
    cars = cars_after(camera, server, segmenter, [
        stamped(camera, *frame) for frame in zip(scenes, stamps, arrivals, strict=True)])
    assert cars == [[13001, 13002], [second]]


def test_confidence_is_computed_where_somebody_wants_it(server, make_camera, segmenter):
    front, rear = make_camera('front'), make_camera('rear')
    serve(server, segmenter, [frame(front), frame(rear)])
    rear.outputs.wants_confidence = True
    serve(server, segmenter, [frame(front), frame(rear)])
    for camera in (front, rear):
        assert [panoptic.confidence is None for _, panoptic in camera.outputs.published] == [
            True, False]


def test_nothing_is_tracked_that_shall_not_be(server, camera, segmenter):
    server.settings = Settings(tracking=False)
    serve(server, segmenter, [frame(camera)])
    assert 'tracking' not in camera.latency.summary()


def test_cameras_together(server, make_camera, segmenter):
    scenes = {name: tiny_model.scene(size)
              for name, size in (('front', (64, 128)), ('left', (96, 200)), ('rear', (128, 256)))}
    cameras = {name: make_camera(name) for name in scenes}
    torn = make_camera('torn')
    frames = [frame(cameras[name], scene=scene) for name, scene in scenes.items()]
    frames.insert(1, frame(torn, '32FC1'))
    serve(server, segmenter, frames)
    for name, scene in scenes.items():
        (_, panoptic), = cameras[name].outputs.published
        assert np.array_equal(panoptic.labels, segmenter(scene).labels)
        assert cameras[name].counts == Counts(segmented=1)
        assert len(cameras[name].latency) == 1
    assert torn.counts == Counts(rejected=1)
    assert not torn.outputs.published


def test_a_camera_that_breaks_the_engine_costs_the_others_nothing(server, make_camera,
                                                                  segmenter):
    engine = Failing(segmenter)
    engine.broken, engine.hated = False, (40, 40, 3)
    good, bad = make_camera('good'), make_camera('bad')
    serve(server, engine, [frame(bad, scene=np.zeros((40, 40, 3), np.uint8)), frame(good)])
    assert good.counts == Counts(segmented=1)
    assert bad.counts == Counts(failed=1)
    assert server.failure == 'RuntimeError: the engine broke'


def test_a_camera_that_cannot_publish_costs_the_others_nothing(server, make_camera, segmenter):
    good, bad = make_camera('good'), make_camera('bad')
    bad.outputs.publish = None
    serve(server, segmenter, [frame(bad), frame(good)])
    assert good.counts == Counts(segmented=1)
    assert bad.counts == Counts(failed=1)
    assert 'TypeError' in server.failure


def test_a_drawing_that_fails_costs_no_labels_and_is_told(server, camera, segmenter):
    def fail():
        raise ValueError('too wide for a JPEG')

    drawn = []
    camera.outputs.draw = lambda *_: iter([('/node/overlay', fail),
                                           ('/node/semantic', lambda: drawn.append('semantic'))])
    serve(server, segmenter, [frame(camera)])
    assert camera.counts == Counts(segmented=1)
    assert len(camera.outputs.published) == 1
    assert drawn == ['semantic']
    assert server.failure is None
    assert server.mishaps.lately() == {'/node/overlay': 'ValueError: too wide for a JPEG'}


def test_labels_that_are_published_are_the_newest(server, camera, segmenter):
    image = frame(camera)
    serve(server, segmenter, [image])
    assert camera.freshness.age(image.arrival + 3) == 3
    serve(server, Failing(segmenter), [frame(camera)])
    assert camera.freshness.age(image.arrival + 3) == 3, 'those were lost'


def test_a_camera_that_decodes_for_long_delays_no_other(server, make_camera, segmenter,
                                                        monkeypatch):
    go = Event()
    monkeypatch.setattr(converter, 'decompress', lambda *_: go.wait(10) and SCENE)
    slow, quick = make_camera('slow', 'compressed'), make_camera('quick')
    late = compressed(slow)
    assert server.turn(segmenter, [late, frame(quick)]) == [late]
    assert quick.counts == Counts(segmented=1)
    assert slow.counts == Counts(), 'its turn goes on'
    assert slow.worked(late.arrival + 7) == 7
    assert quick.worked(time.perf_counter()) == 0
    assert slow.converter.busy
    go.set()
    serve(server, segmenter, [late])
    assert slow.counts == Counts(segmented=1)
    assert slow.worked(time.perf_counter()) == 0
    stages = slow.latency.summary()
    assert stages['wait'].max + stages['convert'].max <= stages['total'].max


@pytest.mark.parametrize('broken', ['_convert', '_segment', '_look_at_memory'])
def test_whatever_goes_wrong_the_next_frame_is_served(server, camera, segmenter, monkeypatch,
                                                      broken):
    """Once, and only where nothing had become of it; see also what it says of itself."""
    with monkeypatch.context() as patch:
        patch.setattr(server, broken, Mock(side_effect=MemoryError('no room')))
        serve(server, segmenter, [frame(camera)])
    published = int(broken == '_look_at_memory')
    assert camera.counts == Counts(segmented=published, failed=1 - published)
    assert server.failure == (None if published else 'MemoryError: no room')
    assert server._mishaps.lately() == {'worker': 'MemoryError: no room'}
    assert (server.engine_time, camera.worked(time.perf_counter())) == (0, 0)
    serve(server, segmenter, [frame(camera)])
    assert camera.counts == Counts(segmented=1 + published, failed=1 - published)
    assert server.failure is None


def test_every_frame_counts_where_none_can_be_begun(server, make_camera, segmenter):
    cameras = [make_camera(), make_camera()]
    cameras[0].converter.convert = Mock(side_effect=RuntimeError("can't start new thread"))
    assert server.turn(segmenter, [frame(camera) for camera in cameras]) == []
    assert [camera.counts for camera in cameras] == [Counts(failed=1)] * 2


def test_an_error_that_cannot_be_said_is_survived(server, camera, segmenter):
    class MuteError(Exception):
        def __str__(self):
            raise ValueError('not even that')

    engine = Failing(segmenter)
    engine.error = MuteError()
    serve(server, engine, [frame(camera)])
    assert server.failure == 'MuteError: it cannot say why'


def test_a_device_that_is_lost_is_lost_for_all_and_not_asked_again(server, make_camera,
                                                                   segmenter):
    cameras = [make_camera(name) for name in ('front', 'rear')]
    engine = Failing(segmenter)
    engine.error = DeviceError('the context is lost', sticky=True)
    serve(server, engine, [frame(camera) for camera in cameras])
    assert engine.calls == 1
    assert [camera.counts for camera in cameras] == [Counts(failed=1)] * 2
    assert server.lost == 'the context is lost'
    assert server.gpu_memory is None


@pytest.mark.parametrize('broken', [True, False])
def test_how_long_the_engine_has_had_a_frame_is_known(server, camera, segmenter, broken):
    class Slow(Failing):
        def segment(self, images, *args):
            self.ages = server.engine_time, camera.worked(time.perf_counter())
            return super().segment(images, *args)

    engine = Slow(segmenter)
    engine.broken = broken
    assert server.engine_time == 0
    serve(server, engine, [frame(camera)])
    assert 0 < engine.ages[0] < engine.ages[1]
    assert server.engine_time == 0
    assert camera.worked(time.perf_counter()) == 0


@pytest.mark.parametrize(('stamp', 'kept'), [
    (Stamp(0.2, False, True), True), (Stamp(3.0, False, True), False),
    (Stamp(3.0, True, True), True), (Stamp(3.0, False, False), True),
    (Stamp(-3.0, False, True), True)])
def test_stale_frames_are_dropped(server, camera, segmenter, stamp, kept):
    server.settings = Settings(max_age=1.0)
    serve(server, segmenter, [frame(camera, stamp=stamp)])
    assert camera.counts == (Counts(segmented=1) if kept else Counts(stale=1))
    server.settings = Settings()
    serve(server, segmenter, [frame(camera, stamp=stamp)])
    assert camera.counts.segmented == 1 + kept


def test_waiting_makes_a_frame_older(server, camera, segmenter):
    server.settings = Settings(max_age=1.0)
    waited = frame(camera, stamp=Stamp(0.5, False, True))
    serve(server, segmenter, [replace(waited, arrival=waited.arrival - 0.6)])
    assert camera.counts == Counts(stale=1)
