"""What is written is whole or called partial, never the input; and an interrupted run goes on."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_model
from recording_faults import said

from panoptic_ros import Segmenter
from panoptic_ros.bags import messages
from panoptic_ros.bags.labelling import Labelling, StoppedError, label_bag
from panoptic_ros.bags.reader import Bag, BagError
from panoptic_ros.bags.writer import BagWriter
from panoptic_ros.cli import segment
from panoptic_ros.messages import IMAGE

FRAMES = 12


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    """Two cars and a person that move, one car of them away and back; its numbers must be kept."""
    return record(tmp_path_factory.mktemp('recording') / 'drive', FRAMES)


def record(path, count, scale=1):
    alone = tiny_model.scene()
    alone[:, 8:50] = alone[:, :1]
    with BagWriter(path) as writer:
        writer.add_topic('/front', IMAGE)
        for number in range(count):
            scene = alone if number % 6 in (2, 3) else tiny_model.scene()
            stamp = 10**18 + number * 10**8
            scene = np.roll(scene, number, axis=1).repeat(scale, 0).repeat(scale, 1)
            writer.write('/front', stamp, messages.image(
                scene, 'bgr8', messages.header(stamp, 'front')))
    return path


@pytest.fixture(scope='module')
def segmenter(tiny_onnx):
    return Segmenter.open(tiny_onnx)


@pytest.fixture(scope='module')
def whole(recording, segmenter, tmp_path_factory):
    """The file of a labelling that nobody interrupted."""
    output = tmp_path_factory.mktemp('whole') / 'out'
    with Bag(recording) as source:
        label_bag(segmenter, source, output, Labelling(with_overlay=True))
    return (output / 'out.mcap').read_bytes()


def label(segmenter, recording, output, frames=None, **changes):
    """Label a bag, or as many frames of it."""
    done = iter(range(1, FRAMES + 1))
    options = {'labelling': Labelling(with_overlay=True), **changes}
    with Bag(recording) as source:
        return label_bag(segmenter, source, output, proceed=lambda: next(done) != frames,
                         **options)


@pytest.mark.slow
def test_an_interrupted_labelling_goes_on_to_the_bag_of_one_run(segmenter, recording, whole,
                                                                tmp_path):
    output = tmp_path / 'out'
    for frames in (3, 2, 8):        # the second one is interrupted while it copies
        with pytest.raises(StoppedError, match=rf'{frames} of 12 .* in \S+/out\.partial, and the '
                                               'same command goes on'):
            label(segmenter, recording, output, frames)
        assert not output.exists()
        with Bag(tmp_path / 'out.partial') as bag:
            assert bag.topic('/panoptic_node/panoptic').count == max(3, frames)
            assert bag.warnings == []
    done = label(segmenter, recording, output)
    assert (done.frames, done.resumed) == (12, 8)
    assert (output / 'out.mcap').read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ['out']
    assert sorted(path.name for path in output.iterdir()) == ['metadata.yaml', 'out.mcap']


@pytest.mark.slow
def test_the_things_of_the_recording_need_their_past(segmenter, recording, tmp_path):
    """Or the test above would hold for a tracker that began anew."""
    with Bag(recording) as source:
        label_bag(segmenter, source, tmp_path / 'alone', Labelling(with_tracking=False))
        label_bag(segmenter, source, tmp_path / 'tracked', Labelling())
    things = []
    for name in ('alone', 'tracked'):
        with Bag(tmp_path / name) as bag:
            things.append([{d.id for d in bag.decode(record).detections}
                           for record in bag.messages(['/panoptic_node/objects'])])
    assert things[0][3] != things[1][3]


@pytest.mark.slow
@pytest.mark.parametrize(('keep', 'resumed'), [
    (0.0, {0}), (0.3, {0, 1, 2, 3}), (0.9, {5, 6, 7, 8})])
def test_what_a_killed_run_left_is_gone_on_from(segmenter, tmp_path, keep, resumed):
    """Killed, with a file that has no end; how much of it was on the disk does not matter."""
    large = record(tmp_path / 'drive', FRAMES, scale=6)     # a frame is a chunk
    output, partial = tmp_path / 'out', tmp_path / 'out.partial'
    label(segmenter, large, tmp_path / 'whole' / 'out')
    with pytest.raises(StoppedError):
        label(segmenter, large, output, 9)
    (partial / 'metadata.yaml').unlink()
    file = partial / 'out.mcap'
    file.write_bytes(file.read_bytes()[:int(keep * file.stat().st_size)])
    assert label(segmenter, large, output).resumed in resumed
    assert (output / 'out.mcap').read_bytes() == (
        tmp_path / 'whole' / 'out' / 'out.mcap').read_bytes()


@pytest.mark.parametrize('changes', [
    {'labelling': Labelling(with_overlay=True, with_tracking=False)},
    {'labelling': Labelling(with_overlay=True, model='another')}])
def test_a_partial_bag_of_another_job_is_not_gone_on_from(segmenter, recording, tmp_path, changes):
    output = tmp_path / 'out'
    with pytest.raises(StoppedError):
        label(segmenter, recording, output, 3)
    with pytest.raises(BagError, match=r'of another labelling \((with_tracking|model) differ'):
        label(segmenter, recording, output, **changes)
    assert label(segmenter, recording, output, overwrite=True, **changes).resumed == 0


def test_two_at_once_do_not_meet(segmenter, recording, tmp_path):
    output = tmp_path / 'out'

    def second():
        with pytest.raises(BagError, match=r'another process is writing \S+out\.partial'):
            label(segmenter, recording, output)

    with Bag(recording) as source:
        calls = iter([second])
        label_bag(segmenter, source, output,
                  proceed=lambda: next(calls, lambda: None)() is None)
    with Bag(output) as bag:
        assert bag.topic('/panoptic_node/panoptic').count == FRAMES


def test_a_bag_that_breaks_off_leaves_what_came_before(segmenter, recording, tmp_path):
    copy = shutil.copytree(recording, tmp_path / 'drive')
    with Bag(copy) as bag:
        frames = list(bag.messages())
    with BagWriter(tmp_path / 'broken') as writer:
        writer.add_topic('/front', IMAGE)
        for record in frames[:4]:
            writer.write('/front', record.time, record.data)
        writer.write('/front', frames[4].time, b'\0\1\0\0 no image')
    with pytest.raises(BagError, match=r'what is done is in \S+out\.partial$'):
        label(segmenter, tmp_path / 'broken', tmp_path / 'out')
    with Bag(tmp_path / 'out.partial') as bag:
        assert bag.topic('/panoptic_node/panoptic').count == 4


def test_a_failure_before_the_first_frame_leaves_nothing(segmenter, tmp_path):
    with BagWriter(tmp_path / 'broken') as writer:
        writer.add_topic('/front', IMAGE)
        writer.write('/front', 1, b'\0\1\0\0 no image')
    with pytest.raises(BagError), Bag(tmp_path / 'broken') as source:
        label_bag(segmenter, source, tmp_path / 'out', Labelling('/front'))
    assert [path.name for path in tmp_path.iterdir()] == ['broken']


def test_an_old_bag_is_kept_until_the_new_one_is_whole(segmenter, recording, tmp_path):
    output = tmp_path / 'out'
    with BagWriter(output) as writer:
        writer.add_topic('/precious', 'std_msgs/msg/String')
    with pytest.raises(StoppedError):
        label(segmenter, recording, output, 3, overwrite=True)
    with Bag(output) as bag:
        assert [topic.name for topic in bag.topics] == ['/precious']
    label(segmenter, recording, output, overwrite=True)
    with Bag(output) as bag:
        assert bag.topic('/panoptic_node/panoptic').count == FRAMES
    assert [path.name for path in tmp_path.iterdir()] == ['out']


def outputs(folder: Path, drive: Path) -> dict[str, Path]:
    """Return the ways to write where the bag that is read is."""
    (folder / 'link').symlink_to(drive)
    (folder / 'hard').mkdir()
    os.link(drive / 'drive.mcap', folder / 'hard' / 'hard.mcap')
    return {'exists and is': drive, 'link': folder / 'link', 'exists and contains': folder,
            'lies in': drive / 'more', 'exists and shares files with': folder / 'hard'}


@pytest.mark.parametrize('reason', ['exists and is', 'link', 'exists and contains', 'lies in',
                                    'exists and shares files with'])
@pytest.mark.parametrize('single', [False, True])
def test_a_bag_is_never_written_over_itself(recording, tmp_path, tiny_onnx, reason, single):
    drive = shutil.copytree(recording, tmp_path / 'folder' / 'drive')
    output = outputs(tmp_path / 'folder', drive)[reason]
    source = drive / 'drive.mcap' if single else drive
    if single and reason in ('link', 'exists and is', 'lies in'):
        reason = 'exists and contains'
        if output.name == 'more':
            output = source
            reason = 'exists and is'
    before = {path: path.read_bytes() for path in drive.iterdir()}
    words = 'exists and (is|contains)' if reason == 'link' else reason
    words = said('output that is the input').replace('exists\\ and\\ is', words)
    with pytest.raises(SystemExit, match=f'^segment: .*{words}'):
        segment.main([str(source), '-o', str(output), '--model', str(tiny_onnx), '--overwrite'])
    assert {path: path.read_bytes() for path in drive.iterdir()} == before


def test_a_partial_bag_is_not_labelled_onto_itself(recording, tmp_path, tiny_onnx):
    partial = shutil.copytree(recording, tmp_path / 'out.partial')
    with pytest.raises(SystemExit, match=r'out\.partial exists and is the bag that is read'):
        segment.main([str(partial), '-o', str(tmp_path / 'out'), '--model', str(tiny_onnx),
                      '--overwrite'])
    with Bag(partial) as bag:
        assert bag.topic('/front').count == FRAMES


def test_a_link_is_not_followed(recording, tmp_path, tiny_onnx):
    (tmp_path / 'precious').mkdir()
    (tmp_path / 'out').symlink_to(tmp_path / 'precious')
    with pytest.raises(SystemExit, match='is a link: name the folder itself'):
        segment.main([str(recording), '-o', str(tmp_path / 'out'), '--model', str(tiny_onnx),
                      '--overwrite'])


@pytest.mark.slow
@pytest.mark.parametrize(('number', 'code'), [(signal.SIGINT, 130), (signal.SIGTERM, 143),
                                              (signal.SIGKILL, -9)])
def test_a_signal_leaves_what_the_same_command_goes_on_from(tmp_path, tiny_onnx, number, code):
    drive = record(tmp_path / 'drive', 120)
    output = tmp_path / 'out'
    command = [sys.executable, '-m', 'panoptic_ros.cli.segment', drive, '-o', output, '--model',
               tiny_onnx, '--device', 'cpu', '--json', tmp_path / 'report.json']
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    journal = tmp_path / 'out.partial' / 'journal.jsonl'
    deadline = time.monotonic() + 60
    while not (journal.is_file() and len(journal.read_text().splitlines()) > 20):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert 'Traceback' not in errors
    assert not output.exists()
    if number != signal.SIGKILL:
        assert re.search(said('Ctrl-C or SIGTERM while a bag is labelled'), errors)
        assert errors.count('\n') == 1
        with Bag(tmp_path / 'out.partial') as bag:
            assert bag.topic('/panoptic_node/panoptic').count >= 5
    if number == signal.SIGTERM:
        segment.main([*map(str, command[3:])])
        report = json.loads((tmp_path / 'report.json').read_text())
        assert report['frames'] == 120
        assert 5 <= report['resumed'] < 120


@pytest.mark.slow
def test_a_full_disk_leaves_what_the_same_command_goes_on_from(tmp_path, tiny_onnx):
    """A limit on the size of files stands for it."""
    drive = record(tmp_path / 'drive', FRAMES, scale=6)     # a frame is a chunk
    command = shlex.join(map(str, [
        sys.executable, '-m', 'panoptic_ros.cli.segment', drive, '-o', tmp_path / 'out', '--model',
        tiny_onnx, '--device', 'cpu', '--json', tmp_path / 'report.json']))
    done = subprocess.run(['bash', '-c', f'ulimit -f 20; {command}'], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 1
    assert re.search(r'^segment: .*File too large; what is done is in \S+out\.partial, and the '
                     'same command goes on from there\n$', done.stderr)
    subprocess.run(['bash', '-c', command], check=True, capture_output=True, timeout=60)
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['frames'] == FRAMES
    assert 0 < report['resumed'] < FRAMES
