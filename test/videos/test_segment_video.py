"""``segment drive.mp4 -o out.mp4``."""

import os
import signal

import av
import cv2
import numpy as np
import pytest
import tiny_model

from panoptic_ros import Segmenter, overlay
from panoptic_ros.cli import segment
from panoptic_ros.tracking import Tracker
from panoptic_ros.videos.labelling import label_video
from panoptic_ros.videos.sources import Pictures
from panoptic_ros.videos.writer import write_video

SCENES = [np.roll(tiny_model.scene(), 4 * number, axis=1) for number in range(5)]


@pytest.fixture
def recorded(tmp_path):
    with write_video(tmp_path / 'drive.mp4', SCENES[0].shape[:2], fps=10) as video:
        for number, scene in enumerate(SCENES):
            video.write(scene, 0.1 * number)
    return tmp_path / 'drive.mp4'


def frames_of(path):
    with av.open(str(path)) as video:
        return [(round(frame.time, 3), frame.to_ndarray(format='bgr24'))
                for frame in video.decode(video=0)]


def run(*words, model):
    segment.main([*map(str, words), '--model', str(model)])


def test_a_video_becomes_the_video_of_its_overlays(recorded, tmp_path, tiny_onnx, capsys):
    out = tmp_path / 'new' / 'out.mp4'
    run(recorded, '-o', out, model=tiny_onnx)
    assert '5 frames' in capsys.readouterr().out
    segmenter = Segmenter.open(tiny_onnx)
    tracker = Tracker(segmenter.label_space)
    labelled = frames_of(out)
    assert [time for time, _ in labelled] == [0, 0.1, 0.2, 0.3, 0.4]
    for (time, picture), (_, image) in zip(labelled, frames_of(recorded), strict=True):
        expected = overlay.draw(image, tracker(segmenter(image), time))
        assert np.abs(picture.astype(int) - expected).mean() < 12      # H.264 has lost the rest


def test_a_folder_of_pictures_becomes_a_video(tmp_path, tiny_onnx):
    for number, scene in enumerate(SCENES):
        cv2.imwrite(str(tmp_path / f'{number}.png'), scene)
    run(tmp_path, '-o', tmp_path / 'out.mp4', '--fps', '5', model=tiny_onnx)
    assert [time for time, _ in frames_of(tmp_path / 'out.mp4')] == [0, 0.2, 0.4, 0.6, 0.8]


def test_nothing_is_replaced_or_written_over_its_input(recorded, tmp_path, tiny_onnx):
    out = tmp_path / 'out.mp4'
    out.write_text('precious')
    with pytest.raises(SystemExit, match=r'out\.mp4: it exists; .*--overwrite'):
        run(recorded, '-o', out, model=tiny_onnx)
    assert out.read_text() == 'precious'
    with pytest.raises(SystemExit, match='would be written over it'):
        run(recorded, '-o', recorded, '--overwrite', model=tiny_onnx)
    assert len(frames_of(recorded)) == 5
    run(recorded, '-o', out, '--overwrite', model=tiny_onnx)
    assert len(frames_of(out)) == 5


@pytest.mark.parametrize(('words', 'error'), [
    (['drive.mp4', '-o', 'folder'], r'drive\.mp4 is a video, .*: expected -o NAME\.mp4'),
    (['0', '-o', 'folder'], r'0 is the number of a webcam'),
    (['63', '-o', 'a.mp4'], r'camera 63 cannot be opened'),
    (['drive.mp4', 'drive.mp4', '-o', 'a.mp4'], 'expected one video, or only pictures'),
    (['notes.txt', 'drive.mp4', '-o', 'a.mp4'], r'notes\.txt has the name of no video or picture'),
    (['a.mcap', '-o', 'a.mp4'], r'a\.mcap is a bag, .*: expected -o FOLDER'),
    (['nothing.mp4', '-o', 'a.mp4'], r'nothing\.mp4'),
    (['a.png', '-o', 'a.mp4', '--fps', '0'], r'--fps is 0: expected more than 0'),
    (['.', '-o', 'a.mp4'], r'drive\.mp4 is a video beside other inputs'),
    (['drive.mp4', '-o', 'folder.mp4', '--overwrite'], r'cannot write folder\.mp4: .*is a folder'),
    (['drive.mp4', '-o', '/proc/a.mp4'], r'cannot write /proc/a\.mp4'),
])
def test_what_makes_no_video_is_refused(words, error, recorded, tmp_path, tiny_onnx, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite('a.png', SCENES[0])
    (tmp_path / 'notes.txt').write_text('notes')
    (tmp_path / 'folder.mp4').mkdir()
    before = sorted(tmp_path.rglob('*'))
    with pytest.raises(SystemExit, match=error):
        run(*words, model=tiny_onnx)
    assert sorted(tmp_path.rglob('*')) == before


def test_names_are_not_taken_for_protocols_and_hidden_files_are_left_alone(
        recorded, tmp_path, tiny_onnx, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recorded.rename('10:30.mp4')
    precious = tmp_path / '.out 10:30.mp4'
    precious.write_text('precious')
    run('10:30.mp4', '-o', 'out 10:30.mp4', model=tiny_onnx)
    assert len(frames_of(tmp_path / 'out 10:30.mp4')) == 5
    assert precious.read_text() == 'precious'
    assert len(list(tmp_path.iterdir())) == 3


def test_what_cannot_be_written_leaves_nothing(tmp_path, tiny_onnx):
    cv2.imwrite(str(tmp_path / 'thin.png'), np.zeros((10, 1, 3), np.uint8))
    with pytest.raises(SystemExit, match='the images are 1x10: expected 2 to 16384 pixels a side'):
        run(tmp_path / 'thin.png', '-o', tmp_path / 'out.mp4', model=tiny_onnx)
    assert [path.name for path in tmp_path.iterdir()] == ['thin.png']


def test_frames_before_the_damage_are_kept_and_replace_no_whole_video(recorded, tmp_path,
                                                                      tiny_onnx):
    data = recorded.read_bytes()
    recorded.write_bytes(data[:-40])
    out, partial = tmp_path / 'out.mp4', tmp_path / 'out.partial.mp4'
    said = r'drive\.mp4 .*frames that .*out\.partial\.mp4 holds: \d'
    with pytest.raises(SystemExit, match=said):
        run(recorded, '-o', out, model=tiny_onnx)
    assert 1 <= len(frames_of(partial)) < 5
    assert not out.exists()
    with pytest.raises(SystemExit, match=r'out\.partial\.mp4: it exists; .*--overwrite'):
        run(recorded, '-o', out, model=tiny_onnx)
    out.write_text('whole')
    with pytest.raises(SystemExit, match=said):
        run(recorded, '-o', out, '--overwrite', model=tiny_onnx)
    assert out.read_text() == 'whole'
    with pytest.raises(SystemExit, match='would be written over it'):
        run(partial, '-o', out, '--overwrite', model=tiny_onnx)
    recorded.write_bytes(data)
    run(recorded, '-o', out, '--overwrite', model=tiny_onnx)
    assert len(frames_of(out)) == 5
    assert not partial.exists()


def test_a_signal_leaves_what_is_done_beside_a_whole_video(recorded, tmp_path, tiny_onnx, capsys,
                                                           monkeypatch):
    real, out = Segmenter.segment, tmp_path / 'out.mp4'
    signals = iter([signal.SIGTERM])

    def segment_and_stop(self, images):
        for number in signals:
            os.kill(os.getpid(), number)
        return real(self, images)

    monkeypatch.setattr(Segmenter, 'warm_up', lambda self: None)
    monkeypatch.setattr(Segmenter, 'segment', segment_and_stop)
    out.write_text('whole')
    with pytest.raises(SystemExit, match='143'):
        run(recorded, '-o', out, '--overwrite', model=tiny_onnx)
    partial = tmp_path / 'out.partial.mp4'
    assert f'segment: stopped; frames that {partial} holds: 1\n' in capsys.readouterr().err
    assert (out.read_text(), len(frames_of(partial))) == ('whole', 1)


def test_a_webcam_ends_where_it_is_asked_to(tmp_path, tiny_onnx):
    class Live(Pictures):
        is_live = True

    cv2.imwrite(str(tmp_path / 'a.png'), SCENES[0])
    label_video(Segmenter.open(tiny_onnx), Live([tmp_path / 'a.png'] * 5, 10), tmp_path / 'a.mp4',
                proceed=lambda: False)
    assert len(frames_of(tmp_path / 'a.mp4')) == 1
    assert not (tmp_path / 'a.partial.mp4').exists()
