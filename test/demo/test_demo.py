"""The demo as a user starts it: small, from the first stage to the last."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from panoptic_ros.bags.frames import camera_frames, stamp_of
from panoptic_ros.bags.reader import Bag
from panoptic_ros.cli import demo as demo_cli

pytestmark = pytest.mark.ros
FRAMES = 12


def command(folder: Path, model: Path, *arguments: str) -> list[str]:
    return [sys.executable, '-m', 'panoptic_ros.cli.demo', '--folder', str(folder), '--model',
            str(model), '--size', '96x192', '--frames', str(FRAMES), *arguments]


def node_processes(folder: Path) -> list[int]:
    """Processes that run a node for a demo in this folder: their log is open there."""
    found = []
    for process in Path('/proc').glob('[0-9]*'):
        try:
            if (process / 'fd' / '1').readlink() == folder.resolve() / 'node.log':
                found.append(int(process.name))
        except OSError:     # ended meanwhile
            continue
    return found


@pytest.fixture(scope='module')
def demo(tmp_path_factory, tiny_onnx):
    """The demo's folder after a run, and what it printed."""
    folder = tmp_path_factory.mktemp('demo')
    done = subprocess.run(command(folder, tiny_onnx, '--json', str(folder / 'copy.json')),
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def test_report(demo):
    folder, printed = demo
    report = json.loads((folder / 'report.json').read_text())
    assert report == json.loads((folder / 'copy.json').read_text())
    frames = report['frames']
    assert frames['published'] == FRAMES
    assert frames['segmented'] + frames['dropped'] == FRAMES
    assert frames['segmented'] >= 1
    assert frames['rejected'] == frames['failed'] == 0
    assert {'network', 'grouping', 'total', 'end to end'} <= set(report['latency_ms'])
    for times in report['latency_ms'].values():
        assert 0 <= times['p50'] <= times['p99']
    assert report['quality']['images'] == frames['segmented']
    for group in ('all', 'things', 'stuff'):
        assert {'pq', 'sq', 'rq'} <= set(report['quality'][group])
        assert f'{report["quality"][group]["pq"]:.1f}' in printed
    assert report['model']['network'] == 'tiny'


def test_output_bag(demo):
    folder, _ = demo
    segmented = json.loads((folder / 'report.json').read_text())['frames']['segmented']
    drive, = folder.glob('drive_*')
    with Bag(folder / 'output') as output, Bag(drive) as source:
        counts = {topic.name: topic.count for topic in output.topics}
        assert counts['/camera/image_raw'] == FRAMES
        assert counts['/panoptic_node/panoptic'] == segmented
        assert counts['/panoptic_node/objects'] == segmented
        assert counts['/panoptic_node/label_info'] == 1
        assert counts['/diagnostics'] >= 1
        images = {frame.stamp: frame for frame in
                  camera_frames(source, source.topic('/camera/image_raw'))}
        for record in output.messages(['/panoptic_node/panoptic']):
            message = output.decode(record)
            frame = images[stamp_of(message.header)]
            assert message.header == frame.header
            assert (message.height, message.width, message.encoding) == (96, 192, '16UC1')
            assert record.time >= frame.record.time     # in the drive's own time
            assert record.time - frame.record.time < 60e9


def test_the_node_answers_as_the_segmenter_does(demo, tiny_onnx):
    from panoptic_ros import Segmenter
    from panoptic_ros.tracking import Tracker
    folder, _ = demo
    segmenter = Segmenter.open(tiny_onnx)
    tracker = Tracker(segmenter.label_space)
    drive, = folder.glob('drive_*')
    with Bag(folder / 'output') as output, Bag(drive) as source:
        images = {frame.stamp: frame.image for frame in
                  camera_frames(source, source.topic('/camera/image_raw'))}
        for record in output.messages(['/panoptic_node/panoptic']):
            message = output.decode(record)
            stamp = stamp_of(message.header)
            expected = tracker(segmenter(images[stamp]), 1e-9 * stamp)
            np.testing.assert_array_equal(message.data.view(np.uint16).reshape(96, 192),
                                          expected.labels)


def test_pictures(demo):
    folder, _ = demo
    segmented = json.loads((folder / 'report.json').read_text())['frames']['segmented']
    with av.open(str(folder / 'overlay.mp4')) as video:
        frames = [frame.to_ndarray(format='bgr24') for frame in video.decode(video=0)]
    assert len(frames) == segmented
    assert frames[0].shape == (96, 192, 3)
    sheet = cv2.imread(str(folder / 'overlay.png'))
    assert sheet.shape[1] > 1800
    assert sheet.std() > 10


def test_nothing_is_left_running(demo):
    assert node_processes(demo[0]) == []


def test_a_model_is_found_by_its_name(tmp_path):
    with pytest.raises(SystemExit, match=r'^demo: no model .*models/nowhere\.onnx'):
        demo_cli.main(['--model', 'nowhere', '--folder', str(tmp_path)])


def test_a_model_that_is_none(tmp_path, demo):
    folder, _ = demo
    (tmp_path / 'broken.onnx').write_text('no model')
    done = subprocess.run(command(folder, tmp_path / 'broken.onnx'), capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 1
    assert 'the node cannot start' in done.stderr
    assert 'broken.onnx' in done.stderr
    assert 'node.log' in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (folder / 'report.json').exists()
    assert node_processes(folder) == []


def test_a_missing_model(tmp_path):
    done = subprocess.run(command(tmp_path, tmp_path / 'none.onnx'), capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr.startswith('demo: no model')


@pytest.mark.parametrize(('words', 'reason'), [
    (('--size', '512'), 'expected HEIGHTxWIDTH'), (('--rate', '0'), 'rate is 0.0'),
    (('--frames', '-3'), 'frames is -3')])
def test_impossible_options(words, reason, capsys):
    with pytest.raises(SystemExit) as caught:
        demo_cli.main(words)
    assert caught.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(('kill', 'status'), [(signal.SIGINT, 130), (signal.SIGTERM, 143),
                                              (signal.SIGKILL, -9)])
def test_the_node_ends_with_the_demo(demo, tiny_onnx, kill, status):
    folder, _ = demo
    process = subprocess.Popen(command(folder, tiny_onnx, '--rate', '0.05'), text=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _until(lambda: node_processes(folder))
    _until(lambda: 'waiting for images' in (folder / 'node.log').read_text())
    process.send_signal(kill)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == status
    assert 'Traceback' not in errors
    _until(lambda: not node_processes(folder))


@pytest.mark.slow
def test_a_node_that_dies_is_reported(demo, tiny_onnx):
    folder, _ = demo
    process = subprocess.Popen(command(folder, tiny_onnx, '--rate', '0.05'), text=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _until(lambda: node_processes(folder))
    _until(lambda: 'waiting for images' in (folder / 'node.log').read_text())
    time.sleep(1.0)
    for pid in node_processes(folder):
        os.kill(pid, signal.SIGKILL)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert 'the node ended with signal 9' in errors
    assert 'waiting for images' in errors


def _until(condition, timeout=60.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, 'it did not happen in time'
        time.sleep(0.05)
