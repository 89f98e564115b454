"""``segment`` of many recordings: the same bytes as one by one, whichever way."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import drives
import pytest

from panoptic_ros import Segmenter
from panoptic_ros.cli import segment, segment_many, segment_progress
from panoptic_ros.offline.states import ENDING
from panoptic_ros.offline.worker import NoModelError, Worker


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    return drives.write(tmp_path_factory.mktemp('recorded'))


@pytest.fixture(scope='module')
def labelled(recorded, tiny_onnx, tmp_path_factory):
    """The outputs of a run for each recording, by the command as it is for one."""
    folder = tmp_path_factory.mktemp('one by one')
    for name in drives.NAMES:
        (folder / name).parent.mkdir(exist_ok=True)
        segment.main([str(recorded / name), '-o', str(folder / name), '--model', str(tiny_onnx)])
    return drives.contents(folder)


def run(capsys, *words):
    """Run the command; return its status and what it says."""
    try:
        segment.main([str(word) for word in words])
    except SystemExit as end:
        if isinstance(end.code, str):
            return 1, end.code
        return end.code, capsys.readouterr().err
    return 0, capsys.readouterr().err


@pytest.mark.slow
def test_many_in_one_process(recorded, labelled, tmp_path, tiny_onnx, capsys):
    words = (recorded, '-o', tmp_path / 'out', '--model', tiny_onnx, '--json', tmp_path / 'r.json')
    assert run(capsys, *words)[0] == 0
    assert drives.contents(tmp_path / 'out') == labelled
    (tmp_path / 'out' / f'b{ENDING}').unlink()
    for name in ('metadata.yaml', 'b.mcap'):
        (tmp_path / 'out' / 'b' / name).unlink()
    (tmp_path / 'out' / 'b').rmdir()
    assert run(capsys, *words)[0] == 0
    report = json.loads((tmp_path / 'r.json').read_text())
    assert (report['done'], report['known'], report['frames']) == (5, 4, 14)
    assert drives.contents(tmp_path / 'out') == labelled


def test_recordings_beside_pictures_are_labelled_as_well(recorded, labelled, tmp_path, tiny_onnx,
                                                         capsys):
    folder = tmp_path / 'in' / 'street'
    shutil.copytree(recorded / 'street', folder)
    shutil.copytree(recorded / 'a', folder / 'a')
    shutil.copy(recorded / 'clip.mp4', folder)
    for words in ((), ('--overwrite',)):
        assert run(capsys, tmp_path / 'in', '-o', tmp_path / 'out', '--model', tiny_onnx,
                   *words)[0] == 0
    found = drives.contents(tmp_path / 'out' / 'street')
    assert found == {name.removeprefix('street/'): data for name, data in labelled.items()
                     if name.startswith(('street/', 'a/')) or name == 'clip.mp4'}
    (folder / 'a').rename(tmp_path / 'a')
    assert run(capsys, folder, '-o', tmp_path / 'both', '--model', tiny_onnx)[0] == 0
    assert 'clip.mp4' in drives.contents(tmp_path / 'both')      # pictures and a video alone


@pytest.mark.slow
def test_many_in_pieces_in_processes(recorded, labelled, tmp_path, tiny_onnx, capsys):
    left = tmp_path / 'out' / 'a.pieces' / '9s-00000'       # of an earlier run
    left.mkdir(parents=True)
    assert run(capsys, recorded, '-o', tmp_path / 'out', '--model', tiny_onnx, '--jobs', 2,
               '--piece', 1) == (0, '')
    assert drives.contents(tmp_path / 'out') == labelled


def test_what_lies_where_pieces_would_stays(recorded, tmp_path, tiny_onnx, capsys):
    """Such as the labels of a bag that is called so."""
    precious = tmp_path / 'out' / 'a.pieces' / 'metadata.yaml'
    precious.parent.mkdir(parents=True)
    precious.touch()
    assert run(capsys, recorded / 'a', recorded / 'b', '-o', tmp_path / 'out', '--model',
               tiny_onnx)[0] == 0
    assert precious.exists()


def test_without_a_terminal_lines_tell_how_far_all_is(recorded, tmp_path, tiny_onnx, capsys,
                                                      monkeypatch):
    monkeypatch.setattr(segment_progress, 'LINE_EVERY', 0.0)
    status, said = run(capsys, recorded / 'a', recorded / 'b', '-o', tmp_path / 'out', '--model',
                       tiny_onnx)
    assert status == 0
    assert 'segment: 0 of 2 done; ' in said
    assert re.search(r'^segment: 1 of 2 done; 14 frames, [0-9.]+/s, \d+ min left$', said, re.M)


def test_a_command_that_no_worker_can_do_tells_what_it_did(recorded, tmp_path, tiny_onnx, capsys,
                                                           monkeypatch):
    def segmenter(self, settings):
        raise NoModelError('no model here')

    monkeypatch.setattr(Worker, '_segmenter', segmenter)
    status, said = run(capsys, recorded, '-o', tmp_path / 'out', '--model', tiny_onnx, '--json',
                       tmp_path / 'r.json')
    assert (status, said) == (1, 'segment: no model here\n')
    report = json.loads((tmp_path / 'r.json').read_text())
    assert (report['error'], len(report['stopped'])) == ('no model here', 5)


def test_what_failed_is_told_also_where_the_report_cannot_be_written_any_more(
        recorded, tmp_path, tiny_onnx, capsys, monkeypatch):
    def full(*words):
        raise OSError('no room for the report')

    shutil.copytree(recorded / 'a', tmp_path / 'in' / 'a')
    drives.damage(tmp_path / 'in' / 'a')
    monkeypatch.setattr(segment_many, 'write_json', full)
    with pytest.raises(SystemExit, match='no room for the report'):
        segment.main([str(word) for word in (
            tmp_path / 'in', '-o', tmp_path / 'out', '--model', tiny_onnx)])
    assert 'in/a failed: ' in capsys.readouterr().err


@pytest.mark.parametrize('words', [('--device', 'gpu'), ()])
def test_a_model_that_cannot_be_opened_ends_the_command_and_no_recording_is_to_blame(
        recorded, tmp_path, tiny_onnx, capsys, monkeypatch, words):
    """It is opened once, and the reason is that of the command for one recording."""
    model, opened, real = tiny_onnx, [], Segmenter.open

    def open_once(*words, **named):
        opened.append(words)
        return real(*words, **named)

    monkeypatch.setattr(Segmenter, 'open', open_once)
    if not words:
        model = tmp_path / 'damaged.onnx'
        model.write_bytes(tiny_onnx.read_bytes()[:1000])
    one = run(capsys, recorded / 'a', '-o', tmp_path / 'one', '--model', model, *words)
    count = len(opened)
    many = run(capsys, recorded, '-o', tmp_path / 'out', '--model', model, *words)
    reason = one[1].removeprefix('segment: ')
    assert (many[0], many[1].endswith(f'{reason}\n')) == (1, True), (one, many)
    assert len(opened) - count == count
    assert '"failed"' not in ''.join(
        state.read_text() for state in (tmp_path / 'out').rglob(f'*{ENDING}'))


def test_a_damaged_bag_costs_no_other_one(recorded, labelled, tmp_path, tiny_onnx, capsys):
    for name in ('a', 'b'):
        (tmp_path / 'in' / name).mkdir(parents=True)
        for file in (recorded / name).iterdir():
            (tmp_path / 'in' / name / file.name).write_bytes(file.read_bytes())
    drives.damage(tmp_path / 'in' / 'a')
    words = (tmp_path / 'in', '-o', tmp_path / 'out', '--model', tiny_onnx)
    status, said = run(capsys, *words)
    assert status == 1
    assert 'in/a failed: ' in said
    assert 'cut off or damaged' in said
    assert '1 failed: the same command tries only them again' in said
    state = json.loads((tmp_path / 'out' / f'a{ENDING}').read_text())
    assert (state['state'], state['deaths']) == ('failed', 0)
    assert 'cut off or damaged' in state['reason']
    (file,) = (recorded / 'a').glob('*.mcap')
    (tmp_path / 'in' / 'a' / file.name).write_bytes(file.read_bytes())
    assert run(capsys, *words)[0] == 0
    assert drives.contents(tmp_path / 'out') == {
        name: data for name, data in labelled.items() if name[:2] in ('a/', 'b/')}


def test_a_damaged_video_replaces_no_whole_one(recorded, labelled, tmp_path, tiny_onnx, capsys):
    clip, out = tmp_path / 'in' / 'clip.mp4', tmp_path / 'out' / 'clip.mp4'
    clip.parent.mkdir()
    data = (recorded / 'clip.mp4').read_bytes()
    words = (clip.parent, '-o', out.parent, '--model', tiny_onnx)
    for more in ((), ('--overwrite',)):
        for _ in range(2):
            clip.write_bytes(data[:-40])
            assert run(capsys, *words, *more)[0] == 1
            assert (out.parent / 'clip.partial.mp4').is_file()
            assert out.exists() == bool(more)
        clip.write_bytes(data)      # copied again
        assert run(capsys, *words, *more)[0] == 0
        assert drives.contents(out.parent) == {'clip.mp4': labelled['clip.mp4']}


def test_an_engine_that_raises_costs_no_other_bag(recorded, labelled, tmp_path, tiny_onnx, capsys,
                                                  monkeypatch):
    real, calls = Segmenter.segment, iter(range(1000))

    def segment_or_raise(self, images, confidence=False):
        if next(calls) == 25:       # in the second bag
            raise RuntimeError('the engine broke')
        return real(self, images, confidence)

    monkeypatch.setattr(Segmenter, 'segment', segment_or_raise)
    words = (recorded, '-o', tmp_path / 'out', '--model', tiny_onnx)
    status, said = run(capsys, *words)
    assert status == 1
    assert 'b failed: the engine broke' in said
    found = drives.contents(tmp_path / 'out')
    assert {name: data for name, data in found.items() if not name.startswith('b')} == {
        name: data for name, data in labelled.items() if not name.startswith('b/')}
    assert any(name.startswith('b.partial/') for name in found)
    assert run(capsys, *words)[0] == 0
    assert drives.contents(tmp_path / 'out') == labelled


@pytest.mark.slow
@pytest.mark.parametrize(('number', 'code', 'ways'), [
    (signal.SIGINT, 130, ['--jobs', '2']), (signal.SIGKILL, -9, ['--jobs', '1'])])
def test_a_command_that_is_ended_goes_on(tmp_path, tiny_onnx, capsys, number, code, ways):
    for name in ('a', 'b'):
        drives.write_bag(tmp_path / 'in' / name, frames=200, scale=2)
    words = [tmp_path / 'in', '-o', tmp_path / 'out', '--model', tiny_onnx, *ways]
    process = subprocess.Popen([sys.executable, '-m', 'panoptic_ros.cli.segment',
                                *map(str, words)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    journal = tmp_path / 'out' / 'a.partial' / 'journal.jsonl'
    while not (journal.is_file() and len(journal.read_text().splitlines()) > 10):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors
    assert 'Traceback' not in errors
    if number != signal.SIGKILL:
        assert 'recordings are left, and the same command goes on from there' in errors
    words += ['--json', tmp_path / 'r.json']
    assert run(capsys, *words)[0] == 0
    report = json.loads((tmp_path / 'r.json').read_text())
    assert (report['done'], report['failed']) == (2, [])
    # on a busy machine bags may have been done when the signal came
    assert report['resumed'] > 0 or report['known'] > 0
    segment.main([str(tmp_path / 'in' / 'a'), '-o', str(tmp_path / 'one' / 'a'), '--model',
                  str(tiny_onnx)])
    assert drives.contents(tmp_path / 'one' / 'a') == drives.contents(tmp_path / 'out' / 'a')


@pytest.mark.parametrize(('words', 'reason'), [
    (['--jobs', '0'], '--jobs is 0: expected at least 1'),
    (['--model', 'none.onnx', '--jobs', '1'], 'no model file none.onnx: give the path'),
    (['--staging-size', '0'], '--staging-size above 0'),
])
def test_what_cannot_be_done_ends_with_a_reason(recorded, tmp_path, tiny_onnx, capsys, words,
                                                reason):
    model = [] if '--model' in words else ['--model', tiny_onnx]
    status, said = run(capsys, recorded, '-o', tmp_path / 'out', *model, *words)
    assert (status, reason in said) == (1, True), said
    assert not (tmp_path / 'out').exists()


@pytest.mark.slow
def test_without_ray_the_line_that_installs_it_is_named(recorded, tmp_path, tiny_onnx):
    done = subprocess.run(
        [sys.executable, '-c', "import sys; sys.modules['ray'] = None\n"
         'from panoptic_ros.cli.segment import main; main(sys.argv[1:])', recorded, '-o',
         tmp_path / 'out', '--model', tiny_onnx, '--ray', 'local'], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == ('segment: labelling on a cluster needs Ray, which is not installed: '
                           "`pip install 'panoptic_ros[fleet]'`\n")
