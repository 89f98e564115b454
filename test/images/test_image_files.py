import os
import re
import socket
import subprocess
import sys
import zlib
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import odd_files
import pytest

from panoptic_ros.images import Limits, headers
from panoptic_ros.images import files as image_files
from panoptic_ros.pictures import find_pictures

NOISE = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)


def turned(path):
    """Write a JPEG whose Exif tag asks for a quarter turn."""
    data = cv2.imencode('.jpg', NOISE)[1].tobytes()
    tiff = (b'II*\0\x08\0\0\0' + b'\x01\0'
            + b'\x12\x01\x03\0\x01\0\0\0\x06\0\0\0' + bytes(4))
    exif = b'Exif\0\0' + tiff
    path.write_bytes(data[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + data[2:])
    assert cv2.imread(str(path)).shape == (9, 6, 3)     # OpenCV's own way
    return path


@pytest.mark.parametrize('flags', [cv2.IMREAD_COLOR, cv2.IMREAD_UNCHANGED])
def test_pixels_are_read_as_they_are_stored(tmp_path, flags):
    assert image_files.read(turned(tmp_path / 'a.jpg'), flags).shape == (6, 9, 3)


@pytest.mark.parametrize('suffix', image_files.PICTURE_SUFFIXES)
def test_pictures_are_found_written_and_read(tmp_path, suffix):
    path = tmp_path / 'new' / f'a{suffix}'
    image_files.write(path, NOISE)
    assert image_files.read(path).shape == NOISE.shape
    path.rename(path.with_suffix(suffix.upper()))
    (tmp_path / 'notes.txt').touch()
    assert image_files.find(tmp_path) == [path.with_suffix(suffix.upper())]


def test_labels_keep_their_16_bits(tmp_path):
    labels = np.array([[65535, 13001]], np.uint16)
    image_files.write(tmp_path / 'a.png', labels)
    np.testing.assert_array_equal(
        image_files.read(tmp_path / 'a.png', cv2.IMREAD_UNCHANGED), labels)


@pytest.mark.parametrize(('name', 'cut', 'message'), [
    ('a.jpg', -2, 'is truncated .* download it again'),
    ('a.png', -9, 'is truncated'), ('a.png', 0, 'is truncated .0 bytes'),
    ('a.bmp', 20, r'is no image that OpenCV reads: expected one of \.bmp')])
def test_a_damaged_file_is_named_with_its_cure(tmp_path, name, cut, message):
    path = tmp_path / name
    path.write_bytes(cv2.imencode(path.suffix, NOISE)[1].tobytes()[:cut])
    with pytest.raises(ValueError, match=f'{name} {message}'):
        image_files.read(path)


@pytest.mark.parametrize('suffix', image_files.PICTURE_SUFFIXES)
def test_a_size_beyond_the_limit_is_refused_before_it_is_decoded(tmp_path, suffix, monkeypatch):
    """Whatever the format, by the size that it announces."""
    path = tmp_path / f'a{suffix}'
    image_files.write(path, NOISE)
    assert image_files.read(path, limits=Limits(pixels=54)).shape == (6, 9, 3)
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('it was decoded'))
    with pytest.raises(ValueError, match='the image is 9x6: expected at most 53 pixels'):
        image_files.read(path, limits=Limits(pixels=53))


@pytest.mark.parametrize('lossless', [False, True])
@pytest.mark.parametrize('alpha', [False, True])
def test_every_kind_of_webp_announces_its_size(lossless, alpha):
    pixels = np.dstack([NOISE, NOISE[..., 0]]) if alpha else NOISE
    data = cv2.imencode('.webp', pixels, (cv2.IMWRITE_WEBP_QUALITY, 101 if lossless else 80))[1]
    found = headers.announce_webp(memoryview(data.tobytes()))
    assert (found.width, found.height) == (9, 6)


def test_a_png_of_30000x30000_is_refused_at_once(tmp_path):
    """109 kB that would take 0.9 GB and a minute."""
    path = tmp_path / 'a.png'
    path.write_bytes(odd_files.png_of(30000, 30000, zlib.compress(bytes(3751 * 30000)), bits=1))
    assert path.stat().st_size < 120_000
    with pytest.raises(ValueError, match=r'a\.png: the image is 30000x30000: expected at most'):
        image_files.read(path)


def test_a_file_larger_than_any_picture_is_not_read(tmp_path):
    path = tmp_path / 'a.png'
    with path.open('wb') as file:
        file.truncate(1 << 40)      # sparse
    with pytest.raises(ValueError, match=r'a\.png has 1099511627776 bytes: expected at most'):
        image_files.read(path)


@pytest.fixture
def special(tmp_path):
    """A FIFO, a device, a socket, a folder, and links to them."""
    with socket.socket(socket.AF_UNIX) as listener:
        os.mkfifo(tmp_path / 'fifo.png')
        listener.bind(str(tmp_path / 'socket.png'))
        (tmp_path / 'folder.png').mkdir()
        (tmp_path / 'device.png').symlink_to('/dev/zero')
        (tmp_path / 'link.png').symlink_to('fifo.png')
        yield tmp_path


@pytest.mark.parametrize(('name', 'kind'), [
    ('fifo', 'a FIFO'), ('link', 'a FIFO'), ('device', 'a device'), ('socket', 'a socket'),
    ('folder', 'a folder')])
def test_only_regular_files_are_opened(special, name, kind, monkeypatch):
    path = special / f'{name}.png'
    monkeypatch.setattr(os, 'open', lambda *_: pytest.fail('it was opened'))
    with pytest.raises(ValueError, match=rf'{name}\.png is {kind}: expected a regular file'):
        image_files.read(path)
    with pytest.raises(ValueError, match=kind):
        list(find_pictures([path])) if name != 'folder' else image_files.check_regular(path)


def test_what_takes_the_place_of_a_file_is_found_out(special, monkeypatch):
    """A FIFO that nobody writes is opened without waiting, and then refused."""
    regular = (special / 'a.png')
    regular.touch()
    stat = regular.stat()
    monkeypatch.setattr(Path, 'stat', lambda *_: stat)
    with pytest.raises(ValueError, match=r'fifo\.png is a FIFO'):
        image_files.read(special / 'fifo.png')


def test_a_pointer_of_git_lfs_is_named(tmp_path):
    (tmp_path / 'a.png').write_text('version https://git-lfs.github.com/spec/v1\noid sha256:0\n')
    with pytest.raises(ValueError, match='git lfs pull'):
        image_files.read(tmp_path / 'a.png')


def test_what_is_hidden_is_no_picture(tmp_path):
    for name in ('a.png', '._a.png', '.ipynb_checkpoints/b.png', 'deep/.c/d.png', 'deep/e.JPG',
                 '__MACOSX/._f.png'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / 'folder.png').mkdir()
    assert image_files.find(tmp_path) == [tmp_path / 'a.png', tmp_path / 'deep' / 'e.JPG']
    hidden = tmp_path / 'deep' / '.c'
    assert image_files.find(hidden) == [hidden / 'd.png'], 'the folder itself was asked for'


def test_a_name_that_is_not_utf_8(tmp_path):
    path = tmp_path / os.fsdecode(b'\xff\xfe street') / os.fsdecode(b'stra\xdfe.png')
    image_files.write(path, NOISE)
    np.testing.assert_array_equal(image_files.read(path), NOISE)
    assert os.listdir(os.fsencode(path.parent)) == [b'stra\xdfe.png'], 'and nothing is left'
    with pytest.raises(OSError, match='expected the name of a file'):
        image_files.write(path.with_name(os.fsdecode(b'a.\xff')), NOISE)


FULL_DISK = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from panoptic_ros.images import files as image_files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
image_files.write(Path(sys.argv[1]), np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8))
"""


def test_a_full_disk_is_an_error_and_leaves_what_was_there(tmp_path):
    path = tmp_path / 'a.png'
    image_files.write(path, NOISE)
    done = subprocess.run([sys.executable, '-c', FULL_DISK, str(path)], capture_output=True,
                          text=True, check=False)
    assert re.search(r'OSError: cannot write .*a\.png: .*room on the disk .*File too large',
                     done.stderr), done.stderr
    assert os.listdir(tmp_path) == ['a.png']
    np.testing.assert_array_equal(image_files.read(path), NOISE)


@pytest.mark.parametrize('target', ['precious.png', 'nowhere.png'])
def test_a_link_is_replaced_when_told_and_never_followed(tmp_path, target):
    precious, link = tmp_path / 'precious.png', tmp_path / 'a.png'
    precious.write_bytes(b'precious')
    link.symlink_to(target)
    with pytest.raises(FileExistsError, match=r'it exists; .*--overwrite'):
        image_files.write(link, NOISE, overwrite=False)
    assert link.is_symlink()
    image_files.write(link, NOISE)
    assert not link.is_symlink()
    assert precious.read_bytes() == b'precious'
    assert sorted(os.listdir(tmp_path)) == ['a.png', 'precious.png']


@pytest.mark.parametrize('links', [True, False])
def test_nothing_is_replaced_without_being_told(tmp_path, links, monkeypatch):
    if not links:
        monkeypatch.setattr(os, 'link', Mock(side_effect=PermissionError('no hard links')))
    path = tmp_path / 'a.png'
    image_files.write(path, NOISE, overwrite=False)
    with pytest.raises(FileExistsError, match=r'cannot write .*a\.png: it exists'):
        image_files.write(path, 255 - NOISE, overwrite=False)
    np.testing.assert_array_equal(image_files.read(path), NOISE)
    assert os.listdir(tmp_path) == ['a.png']
    mask = os.umask(0o022)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize('name', ['folder.png', 'a.txt', 'a'])
def test_what_cannot_be_written_is_an_error(tmp_path, name):
    (tmp_path / 'folder.png').mkdir()
    with pytest.raises(OSError, match=f'cannot write .*{name}: expected the name of a file'):
        image_files.write(tmp_path / name, NOISE)


def test_linked_folders_are_looked_into(tmp_path):
    for folder in ('elsewhere', 'pictures/day2'):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / 'a.png').touch()
    (tmp_path / 'pictures/day1').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'pictures/day2/circle').symlink_to(tmp_path / 'pictures')
    found = image_files.find(tmp_path / 'pictures')
    assert [str(path.relative_to(tmp_path / 'pictures')) for path in found] == [
        'day1/a.png', 'day2/a.png']
