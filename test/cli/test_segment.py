"""Pictures through the command; bags are in test/bags/test_labelling.py."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny_model

from panoptic_ros import Segmenter
from panoptic_ros.cli import segment
from panoptic_ros.pictures import label_pictures
from panoptic_ros.report import write_json

STREET = np.roll(tiny_model.scene(), 8, axis=1)


@pytest.fixture
def picture(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), STREET)
    return tmp_path / 'a.png'


@pytest.mark.slow
def test_pictures_need_no_library_of_bags(picture, tmp_path, tiny_onnx):
    out = tmp_path / 'out'
    code = ("import sys; sys.modules['rosbags'] = None\n"
            'from panoptic_ros.cli.segment import main; main(sys.argv[1:])')
    subprocess.run([sys.executable, '-c', code, picture, '-o', out, '--model', tiny_onnx],
                   check=True, timeout=120)
    labels = cv2.imread(str(out / 'a_panoptic.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(labels, Segmenter.open(tiny_onnx)(STREET).labels)
    assert cv2.imread(str(out / 'a_overlay.jpg')).shape == (64, 128, 3)


def test_folders_of_pictures(picture, tmp_path, tiny_onnx, capsys):
    (tmp_path / 'more').mkdir()
    cv2.imwrite(str(tmp_path / 'more' / 'b.jpg'), STREET)
    segment.main([str(tmp_path), '-o', str(tmp_path / 'out'), '--model', str(tiny_onnx)])
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == [
        'a_overlay.jpg', 'a_panoptic.png', 'b_overlay.jpg', 'b_panoptic.png']
    assert '2 frames' in capsys.readouterr().out


def test_pictures_replace_nothing_without_being_told(picture, tmp_path, tiny_onnx):
    out, precious = tmp_path / 'out', tmp_path / 'precious'
    out.mkdir()
    precious.write_bytes(b'precious')
    (out / 'a_panoptic.png').symlink_to(precious)
    words = [str(picture), '-o', str(out), '--model', str(tiny_onnx)]
    with pytest.raises(SystemExit, match=r'a_panoptic\.png: it exists; .*--overwrite'):
        segment.main(words)
    segment.main([*words, '--overwrite'])
    assert precious.read_bytes() == b'precious'
    assert cv2.imread(str(out / 'a_panoptic.png'), cv2.IMREAD_UNCHANGED).dtype == np.uint16
    with pytest.raises(SystemExit, match='it exists'):
        segment.main(words)


@pytest.mark.parametrize(('arguments', 'reason'), [
    (['FIFO', '-o', 'OUT'], r'pipe\.png is a FIFO: expected a regular file'),
    (['PICTURE', '-o', 'OUT', '--max-pixels', '8191'], '128x64: expected at most 8191 pixels'),
    (['nowhere', '-o', 'OUT'], 'there is no nowhere'),
    (['EMPTY', '-o', 'OUT'], 'no picture under .*empty: expected .bmp'),
    (['PICTURE', '-o', '/dev/null/out'], 'Not a directory'),
    (['PICTURE', '-o', 'TAKEN'], 'cannot write .*a_overlay.jpg'),
    (['PICTURE', 'PICTURE', '-o', 'OUT'], 'several pictures are called a'),
    (['PICTURE', '-o', 'OUT', '--json', 'TAKEN'], r'cannot write \S+taken: .*it is a folder'),
    (['PICTURE', '-o', 'OUT', '--json', '/proc/r.json'], 'cannot write /proc/r.json: expected'),
    (['PICTURE', '-o', 'OUT', '--model', 'nowhere'], 'models/nowhere.onnx'),
])
def test_what_cannot_be_done_ends_with_a_reason(picture, tmp_path, tiny_onnx, arguments, reason):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'taken' / 'a_overlay.jpg').mkdir(parents=True)
    os.mkfifo(tmp_path / 'pipe.png')
    paths = {'PICTURE': str(picture), 'EMPTY': str(tmp_path / 'empty'),
             'TAKEN': str(tmp_path / 'taken'), 'OUT': str(tmp_path / 'out'),
             'FIFO': str(tmp_path / 'pipe.png')}
    words = [paths.get(word, word) for word in arguments]
    if '--model' not in words:
        words += ['--model', str(tiny_onnx)]
    with pytest.raises(SystemExit, match=f'^segment: .*{reason}'):
        segment.main(words)


def test_a_report_that_cannot_be_written_is_refused_before_the_work(picture, tmp_path, tiny_onnx):
    with pytest.raises(SystemExit, match=r'^segment: cannot write /proc/r\.json'):
        segment.main([str(picture), '-o', str(tmp_path / 'out'), '--model', str(tiny_onnx),
                      '--json', '/proc/r.json'])
    assert not (tmp_path / 'out').exists()


def test_a_report_appears_whole_and_replaces_no_link(tmp_path, monkeypatch):
    path, link = tmp_path / 'new' / 'r.json', tmp_path / 'link.json'
    write_json(path, {'a': 1})
    real = Path.write_text

    def full(self, text, encoding):
        real(self, text[:3], encoding)
        raise OSError('the disk is full')

    with monkeypatch.context() as patch:
        patch.setattr(Path, 'write_text', full)
        with pytest.raises(OSError, match='the disk is full'):
            write_json(path, {'a': 2})
    assert json.loads(path.read_text()) == {'a': 1}
    (tmp_path / 'folder').symlink_to(tmp_path)
    with pytest.raises(SystemExit, match=r'cannot write \S+folder: expected the name of a file'):
        segment.main(['a.png', '-o', 'out', '--json', str(tmp_path / 'folder')])
    link.symlink_to(path)
    write_json(link, {'a': 2})
    assert (link.is_symlink(), json.loads(path.read_text())) == (True, {'a': 2})
    write_json(Path('/dev/null'), {'a': 3})
    assert Path('/dev/null').is_char_device()
    assert os.listdir(path.parent) == ['r.json']


def test_pictures_are_not_written_over(tmp_path):
    pictures = [tmp_path / 'a.jpg', tmp_path / 'a_overlay.jpg']
    for picture in pictures:
        cv2.imwrite(str(picture), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match='is a picture that is read'):
        label_pictures(None, pictures, tmp_path, overwrite=True)
