"""What becomes of a frame, with a segmenter and outputs that fail when they are told to."""

import time
from concurrent.futures import wait
from dataclasses import replace
from threading import Event
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import tiny_model
from ros_harness import image_message
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from panoptic_ros import LabelSpace, Segmenter
from panoptic_ros.families import deeplab
from panoptic_ros.images import ImageError, Limits
from panoptic_ros.node.camera import Counts, Frame, Stamp
from panoptic_ros.node.channel import Channel
from panoptic_ros.node.frame_server import FrameServer
from panoptic_ros.node.freshness import Freshness
from panoptic_ros.node.latency import STAGES
from panoptic_ros.node.log import ThrottledLog
from panoptic_ros.node.parameters import Settings
from panoptic_ros.node.work import Work
from panoptic_ros.tracking import Tracker

SCENE = tiny_model.scene()
CAR = 13


def without_the_left_car():
    scene = SCENE.copy()
    scene[:, 8:50] = SCENE[:, :1]
    return scene


class Outputs:
    wanted = frozenset()

    def __init__(self):
        self.published = []

    def publish(self, header, image, panoptic, opacity, jpeg_quality):
        self.published.append((header, panoptic))


class Failing:
    """A segmenter that raises until it is repaired."""

    def __init__(self, segmenter):
        self.segmenter, self.broken, self.hated = segmenter, True, None

    def segment(self, images, *args):
        if self.broken or any(image.shape == self.hated for image in images):
            raise RuntimeError('the engine broke')
        return self.segmenter.segment(images, *args)

    def gpu_memory(self):
        return 3, 4


def serve(server, segmenter, frames):
    works = [Work(channel, frame) for channel, frame in frames]
    wait([work.begin(Limits()) for work in works])
    assert server.serve(segmenter, works) == []


@pytest.fixture(scope='module')
def segmenter(tiny_onnx):
    return Segmenter.open(tiny_onnx)


@pytest.fixture
def logged():
    return []


@pytest.fixture
def make_channel(logged):
    log = ThrottledLog(SimpleNamespace(error=logged.append))

    def make(name='', transport='raw'):
        camera = SimpleNamespace(counts=Counts(), topic=f'/{name}image', format='',
                                 rejection=None, transport=transport, freshness=Freshness())
        return Channel(name, camera, Outputs(), Tracker(LabelSpace.load('cityscapes')), log)
    return make


@pytest.fixture
def channel(make_channel):
    return make_channel()


@pytest.fixture
def server():
    server = FrameServer(lambda: server.settings, deeplab.Options())
    server.settings = Settings()
    return server


def frame(encoding='bgr8', scene=SCENE, stamp=None):
    return Frame(image_message(scene, encoding, Header(frame_id='front')), time.perf_counter(),
                 0.25, stamp)


def test_a_good_frame(server, channel, segmenter):
    serve(server, segmenter, [(channel, frame())])
    (header, panoptic), = channel.outputs.published
    assert header.frame_id == 'front'
    assert np.array_equal(panoptic.labels, segmenter(SCENE).labels)
    assert channel.camera.counts == Counts(segmented=1)
    assert channel.camera.format == '128x64 bgr8'
    summary = channel.latency.summary()
    assert tuple(summary) == tuple(s for s in STAGES if s not in ('upload', 'download'))
    assert summary['receive'].max == 0.25
    parts = sum(stage.max for name, stage in summary.items() if name != 'total')
    assert parts <= summary['total'].max
    assert server.gpu_memory is None, 'on a processor'


def test_a_rejected_frame_and_a_good_one_after_it(server, channel, segmenter, logged):
    for _ in range(3):
        serve(server, segmenter, [(channel, frame('32FC1'))])
    assert channel.camera.counts == Counts(rejected=3)
    assert "'32FC1' is depth" in channel.camera.rejection
    assert len(logged) == 1, 'said once'
    assert not channel.latency.summary()
    serve(server, segmenter, [(channel, frame())])
    assert channel.camera.rejection is None


def test_a_frame_that_cannot_be_converted_is_lost_alone(server, make_channel, segmenter,
                                                        logged, monkeypatch):
    front, rear = make_channel('front', 'compressed'), make_channel('rear')
    monkeypatch.setattr('panoptic_ros.images.decompress', Mock(side_effect=MemoryError('no room')))
    file = Frame(CompressedImage(), time.perf_counter(), 0.0)
    for frames in ([(front, file)], [(front, file), (rear, frame())]):
        serve(server, segmenter, frames)
        assert server.failure == 'MemoryError: no room'
    assert front.camera.counts == Counts(failed=2)
    assert rear.camera.counts == Counts(segmented=1)
    assert logged == ['a frame was lost: MemoryError: no room']


def test_an_engine_that_raises_loses_frames_until_it_recovers(server, channel, segmenter,
                                                              logged):
    engine = Failing(segmenter)
    for _ in range(2):
        serve(server, engine, [(channel, frame())])
    assert channel.camera.counts == Counts(failed=2)
    assert server.failure == 'RuntimeError: the engine broke'
    assert logged == ['a frame was lost: RuntimeError: the engine broke']
    engine.broken = False
    serve(server, engine, [(channel, frame())])
    assert server.failure is None
    assert server.gpu_memory == (3, 4)
    assert channel.camera.counts == Counts(segmented=1, failed=2)


def test_thresholds_are_those_of_the_moment(server, channel, segmenter):
    for top_k in (7, 3):
        server.settings = Settings(top_k=top_k)
        serve(server, segmenter, [(channel, frame())])
        assert segmenter.options == deeplab.Options(top_k=top_k)


def cars_after(channel, server, segmenter, frames):
    for image in frames:
        serve(server, segmenter, [(channel, image)])
    return [sorted(int(label) for label in panoptic.things.label if label // 1000 == CAR)
            for _, panoptic in channel.outputs.published]


def stamped(scene, seconds, arrival):
    image = replace(frame(scene=scene), arrival=arrival)
    image.message.header.stamp.sec = int(seconds)
    image.message.header.stamp.nanosec = round(1e9 * (seconds % 1))
    return image


def test_things_keep_their_numbers_while_tracking_is_on(server, channel, segmenter):
    """The left one of two cars leaves: the other is the second, or becomes the first."""
    alone = without_the_left_car()
    assert cars_after(channel, server, segmenter, [frame(), frame(scene=alone)])[1] == [13002]
    server.settings = Settings(tracking=False)
    assert cars_after(channel, server, segmenter, [frame(scene=alone)])[2] == [13001]


@pytest.mark.parametrize(('stamps', 'arrivals', 'second'), [
    ((1_700_000_000.25, 1_700_000_000.75), (10, 20), 13002),    # half a second by the stamps
    ((1_700_000_000.25, 1_700_000_002.0), (10, 10.1), 13003),   # a gap
    ((0, 0), (10, 10.5), 13002),                                # no stamps: by the arrival
    ((0, 0), (10, 20), 13003)])
def test_the_time_of_a_frame_is_its_stamp(server, channel, segmenter, stamps, arrivals, second):
    scenes = (SCENE, without_the_left_car())
    cars = cars_after(channel, server, segmenter, map(stamped, scenes, stamps, arrivals))
    assert cars == [[13001, 13002], [second]]


@pytest.mark.parametrize(('tracking', 'wanted'), [
    (True, {'semantic', 'confidence'}),
    (False, {'semantic', 'confidence', 'instance', 'overlay'})])
def test_pictures_of_numbers_are_not_made_before_tracking(server, channel, segmenter, tracking,
                                                          wanted):
    channel.outputs.wanted = frozenset({'semantic', 'confidence', 'instance', 'overlay'})
    server.settings = Settings(tracking=tracking)
    engine = Mock(wraps=segmenter)
    serve(server, engine, [(channel, frame())])
    assert engine.segment.call_args.args[1] == wanted
    assert 'tracking' in channel.latency.summary() or not tracking


def test_cameras_together(server, make_channel, segmenter):
    scenes = {name: tiny_model.scene(size)
              for name, size in (('front', (64, 128)), ('left', (96, 200)), ('rear', (128, 256)))}
    channels = {name: make_channel(name) for name in scenes}
    frames = [(channels[name], frame(scene=scene)) for name, scene in scenes.items()]
    frames.insert(1, (make_channel('torn'), frame('32FC1')))
    serve(server, segmenter, frames)
    for name, scene in scenes.items():
        (_, panoptic), = channels[name].outputs.published
        assert np.array_equal(panoptic.labels, segmenter(scene).labels)
        assert channels[name].camera.counts == Counts(segmented=1)
        assert len(channels[name].latency) == 1
    torn = frames[1][0]
    assert torn.camera.counts == Counts(rejected=1)
    assert not torn.outputs.published


def test_a_camera_that_breaks_the_engine_costs_the_others_nothing(server, make_channel,
                                                                  segmenter):
    engine = Failing(segmenter)
    engine.broken, engine.hated = False, (40, 40, 3)
    good, bad = make_channel('good'), make_channel('bad')
    serve(server, engine, [(bad, frame(scene=np.zeros((40, 40, 3), np.uint8))),
                          (good, frame())])
    assert good.camera.counts == Counts(segmented=1)
    assert bad.camera.counts == Counts(failed=1)
    assert server.failure == 'RuntimeError: the engine broke'


def test_a_camera_that_cannot_publish_costs_the_others_nothing(server, make_channel, segmenter):
    good, bad = make_channel('good'), make_channel('bad')
    bad.outputs.publish = None
    serve(server, segmenter, [(bad, frame()), (good, frame())])
    assert good.camera.counts == Counts(segmented=1)
    assert bad.camera.counts == Counts(failed=1)
    assert 'TypeError' in server.failure


def test_labels_that_are_published_are_the_newest(server, channel, segmenter):
    image = frame()
    serve(server, segmenter, [(channel, image)])
    assert channel.camera.freshness.age(image.arrival + 3) == 3
    serve(server, Failing(segmenter), [(channel, frame())])
    assert channel.camera.freshness.age(image.arrival + 3) == 3, 'those were lost'


def test_a_camera_that_decodes_for_long_delays_no_other(server, make_channel, segmenter,
                                                        monkeypatch):
    go = Event()
    monkeypatch.setattr('panoptic_ros.images.decompress', lambda *_: go.wait(10) and SCENE)
    slow, quick = make_channel('slow', 'compressed'), make_channel('quick')
    late = Work(slow, Frame(CompressedImage(), time.perf_counter(), 0.0))
    assert server.serve(segmenter, [late, Work(quick, frame())]) == [late]
    assert quick.camera.counts == Counts(segmented=1)
    assert slow.camera.counts == Counts(), 'its turn goes on'
    assert slow.worked(late.frame.arrival + 7) == 7
    assert quick.worked(time.perf_counter()) == 0
    assert slow.decoder.busy
    go.set()
    late.decoding.result(10)
    assert server.serve(segmenter, [late]) == []
    assert slow.camera.counts == Counts(segmented=1)
    assert slow.worked(time.perf_counter()) == 0
    stages = slow.latency.summary()
    assert stages['wait'].max + stages['convert'].max <= stages['total'].max


def test_whatever_goes_wrong_the_next_frame_is_served(server, channel, segmenter, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(server, '_serve', Mock(side_effect=MemoryError('no room')))
        serve(server, segmenter, [(channel, frame())])
    assert channel.camera.counts == Counts(failed=1)
    assert server.failure == 'MemoryError: no room'
    assert (server.engine_time, channel.worked(time.perf_counter())) == (0, 0)
    serve(server, segmenter, [(channel, frame())])
    assert channel.camera.counts == Counts(segmented=1, failed=1)
    assert server.failure is None


@pytest.mark.parametrize('broken', [True, False])
def test_how_long_the_engine_has_had_a_frame_is_known(server, channel, segmenter, broken):
    class Slow(Failing):
        def segment(self, images, *args):
            self.ages = server.engine_time, channel.worked(time.perf_counter())
            return super().segment(images, *args)

    engine = Slow(segmenter)
    engine.broken = broken
    assert server.engine_time == 0
    serve(server, engine, [(channel, frame())])
    assert 0 < engine.ages[0] < engine.ages[1]
    assert server.engine_time == 0
    assert channel.worked(time.perf_counter()) == 0


@pytest.mark.parametrize(('stamp', 'kept'), [
    (None, True), (Stamp(0.2, False, True), True), (Stamp(3.0, False, True), False),
    (Stamp(3.0, True, True), True), (Stamp(3.0, False, False), True),
    (Stamp(-3.0, False, True), True)])
def test_stale_frames_are_dropped(server, channel, segmenter, stamp, kept):
    server.settings = Settings(max_age=1.0)
    serve(server, segmenter, [(channel, frame(stamp=stamp))])
    assert channel.camera.counts == (Counts(segmented=1) if kept else Counts(stale=1))
    server.settings = Settings()
    serve(server, segmenter, [(channel, frame(stamp=stamp))])
    assert channel.camera.counts.segmented == 1 + kept


def test_waiting_makes_a_frame_older(server, channel, segmenter):
    server.settings = Settings(max_age=1.0)
    waited = frame(stamp=Stamp(0.5, False, True))
    serve(server, segmenter, [(channel, replace(waited, arrival=waited.arrival - 0.6))])
    assert channel.camera.counts == Counts(stale=1)


def test_a_message_that_could_not_be_read_is_rejected(server, channel, segmenter, logged):
    torn = replace(frame(), message=ImageError('wire', 'the message is cut off'))
    serve(server, segmenter, [(channel, torn)])
    assert channel.camera.counts == Counts(rejected=1)
    assert channel.camera.rejection == 'the message is cut off'
    serve(server, segmenter, [(channel, frame())])
    assert channel.camera.rejection is None


def test_the_log_counts_what_it_does_not_repeat():
    logged = []
    log = ThrottledLog(SimpleNamespace(error=logged.append), period=0.0)
    log.error('a', 'first')
    log.error('b', 'other')
    assert logged == ['first', 'other']
    log._silenced['a'] = 7
    log.error('a', 'again')
    assert logged[-1] == 'again (and 7 like it before)'
