"""What becomes of a frame, with a segmenter and outputs that fail when they are told to."""

from types import SimpleNamespace

import numpy as np
import pytest
import tiny_model
from ros_harness import image_message
from std_msgs.msg import Header

from panoptic_ros import GroupingOptions, Segmenter
from panoptic_ros.cuda_pipeline import CudaPipeline
from panoptic_ros.node.camera import Counts, Frame
from panoptic_ros.node.latency import STAGES
from panoptic_ros.node.log import ThrottledLog
from panoptic_ros.node.parameters import Settings
from panoptic_ros.node.pipeline import Pipeline

SCENE = tiny_model.scene()


class Outputs:
    wanted = frozenset()

    def __init__(self):
        self.published = []

    def publish(self, header, image, panoptic, opacity, jpeg_quality):
        self.published.append((header, panoptic))


class Failing:
    """A segmenter that raises until it is repaired."""

    def __init__(self, segmenter):
        self.segmenter, self.broken = segmenter, True

    def __call__(self, *args, **kwargs):
        if self.broken:
            raise RuntimeError('the engine broke')
        return self.segmenter(*args, **kwargs)


@pytest.fixture(scope='module')
def segmenter(tiny_onnx):
    return Segmenter.open(tiny_onnx)


@pytest.fixture
def logged():
    return []


@pytest.fixture
def pipeline(logged):
    camera = SimpleNamespace(counts=Counts(), topic='/image', format='', rejection=None)
    log = ThrottledLog(SimpleNamespace(error=logged.append))
    pipeline = Pipeline(camera, Outputs(), lambda: pipeline.settings, GroupingOptions(), log)
    pipeline.settings = Settings()
    return pipeline


def frame(encoding='bgr8'):
    return Frame(image_message(SCENE, encoding, Header(frame_id='front')), 0.0, 0.25)


def test_a_good_frame(pipeline, segmenter):
    pipeline.serve(segmenter, frame())
    (header, panoptic), = pipeline._outputs.published
    assert header.frame_id == 'front'
    assert np.array_equal(panoptic.labels, segmenter(SCENE).labels)
    assert pipeline._camera.counts == Counts(segmented=1)
    assert pipeline._camera.format == '128x64 bgr8'
    summary = pipeline.latency.summary()
    assert tuple(summary) == tuple(s for s in STAGES if s not in CudaPipeline.stages)
    assert summary['receive'].max == 0.25
    parts = sum(stage.max for name, stage in summary.items() if name != 'total')
    assert parts <= summary['total'].max


def test_a_rejected_frame_and_a_good_one_after_it(pipeline, segmenter, logged):
    for _ in range(3):
        pipeline.serve(segmenter, frame('yuv422'))
    assert pipeline._camera.counts == Counts(rejected=3)
    assert "'yuv422' is not supported" in pipeline._camera.rejection
    assert len(logged) == 1, 'said once'
    assert not pipeline.latency.summary()
    pipeline.serve(segmenter, frame())
    assert pipeline._camera.rejection is None


def test_an_engine_that_raises_loses_frames_until_it_recovers(pipeline, segmenter, logged):
    engine = Failing(segmenter)
    for _ in range(2):
        pipeline.serve(engine, frame())
    assert pipeline._camera.counts == Counts(failed=2)
    assert pipeline.failure == 'RuntimeError: the engine broke'
    assert logged == ['a frame was lost: RuntimeError: the engine broke']
    engine.broken = False
    pipeline.serve(engine, frame())
    assert pipeline.failure is None
    assert pipeline._camera.counts == Counts(segmented=1, failed=2)


def test_thresholds_are_those_of_the_moment(pipeline, segmenter):
    for top_k in (7, 3):
        pipeline.settings = Settings(top_k=top_k)
        pipeline.serve(segmenter, frame())
        assert segmenter.options == GroupingOptions(top_k=top_k)


def test_the_log_counts_what_it_does_not_repeat():
    logged = []
    log = ThrottledLog(SimpleNamespace(error=logged.append), period=0.0)
    log.error('a', 'first')
    log.error('b', 'other')
    assert logged == ['first', 'other']
    log._silenced['a'] = 7
    log.error('a', 'again')
    assert logged[-1] == 'again (and 7 like it before)'
