"""Frames of files, of folders and of webcams."""

import av
import cv2
import numpy as np
import pytest

from panoptic_ros.images import Limits
from panoptic_ros.videos.sources import DamagedVideoError, Pictures, VideoFile, Webcam
from panoptic_ros.videos.writer import write_video

SHADES = (20, 90, 160, 230)


def plain(shade, size=(48, 64)):
    return np.full((*size, 3), shade, np.uint8)


def write(path, times):
    with write_video(path, (48, 64), fps=30) as video:
        for number, seconds in enumerate(times):
            video.write(plain(SHADES[number % 4]), seconds)
    return path


@pytest.fixture
def recorded(tmp_path):
    return write(tmp_path / 'a.mp4', [0.0, 0.1, 0.15, 1.0])


def test_a_file_is_read_at_its_own_times(recorded):
    source = VideoFile(recorded)
    assert source.count == 4
    frames = list(source.frames())
    assert [round(frame.seconds, 3) for frame in frames] == [0, 0.1, 0.15, 1.0]
    for frame, shade in zip(frames, SHADES, strict=True):
        assert frame.image.shape == (48, 64, 3)
        assert np.abs(frame.image.astype(int) - shade).max() < 6


def test_frames_stand_upright_however_the_telephone_was_held(recorded, tmp_path):
    """The matrix of the track's header, ISO 14496-12 8.3.2: a quarter turn, of either kind."""
    data, one = bytearray(recorded.read_bytes()), 1 << 16
    place = data.index(b'tkhd') + 4 + 40
    assert data[place:place + 4] == one.to_bytes(4, 'big')
    with write_video(recorded, (48, 64), fps=30) as video:
        image = plain(20)
        image[:16, :16] = 230
        video.write(image, 0.0)
    data = bytearray(recorded.read_bytes())
    place = data.index(b'tkhd') + 4 + 40
    for matrix, corner in (((0, one, -one, 0), (8, -8)), ((0, -one, one, 0), (-8, 8)),
                           ((-one, 0, 0, -one), (-8, -8))):
        a, b, c, d = (value.to_bytes(4, 'big', signed=True) for value in matrix)
        data[place:place + 8], data[place + 12:place + 20] = a + b, c + d
        held = tmp_path / 'held.mp4'
        held.write_bytes(data)
        frame, = VideoFile(held).frames()
        assert frame.image[corner].min() > 200, matrix
        assert (frame.image > 200).mean() < 0.15
        assert frame.image.shape == ((48, 64, 3) if matrix[0] else (64, 48, 3))


def test_what_is_no_video_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        VideoFile(tmp_path / 'none.mp4')
    (tmp_path / 'text.mp4').write_text('no video')
    with pytest.raises(ValueError, match=r'text\.mp4 is no video that FFmpeg reads'):
        VideoFile(tmp_path / 'text.mp4')
    with av.open(str(tmp_path / 'sound.wav'), 'w') as file:
        stream = file.add_stream('pcm_s16le', rate=8000, layout='mono')
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout='mono')
        sound.sample_rate = 8000
        file.mux(stream.encode(sound))
    with pytest.raises(ValueError, match='holds no video stream'):
        VideoFile(tmp_path / 'sound.wav')


def test_large_frames_are_refused_before_they_are_decoded(recorded):
    with pytest.raises(ValueError, match=r'a\.mp4: the image is 64x48: expected at most 100'):
        VideoFile(recorded, Limits(pixels=100))


@pytest.mark.parametrize('keep', [0.5, 0.8])
def test_a_file_that_ends_too_early_gives_what_it_has_and_says_so(tmp_path, keep):
    rng = np.random.default_rng(0)
    with write_video(tmp_path / 'a.mp4', (48, 64), fps=10) as video:
        for number in range(60):
            video.write(rng.integers(0, 256, (48, 64, 3), np.uint8), number / 10)
    data = (tmp_path / 'a.mp4').read_bytes()
    (tmp_path / 'a.mp4').write_bytes(data[:int(keep * len(data))])
    frames = VideoFile(tmp_path / 'a.mp4').frames()
    read = 0
    with pytest.raises(DamagedVideoError, match=r'a\.mp4 .*copy it again'):    # noqa: PT012
        for _ in frames:
            read += 1
    assert 60 * keep * 0.6 < read < 60


def test_of_recordings_one_after_the_other_no_frame_is_lost(tmp_path):
    for name in 'ab':
        with av.open(str(tmp_path / f'{name}.ts'), 'w') as file:
            stream = file.add_stream('mpeg2video', rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
            for shade in SHADES:
                file.mux(stream.encode(av.VideoFrame.from_ndarray(plain(shade), format='bgr24')))
            file.mux(stream.encode(None))
    (tmp_path / 'ab.ts').write_bytes((tmp_path / 'a.ts').read_bytes()
                                     + (tmp_path / 'b.ts').read_bytes())
    times = [frame.seconds for frame in VideoFile(tmp_path / 'ab.ts').frames()]
    assert np.round(times, 2).tolist() == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_a_matroska_file_that_ends_too_early_says_so(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / 'a.mkv'
    with av.open(str(path), 'w') as file:
        stream = file.add_stream('libx264', rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        for _ in range(60):
            noise = rng.integers(0, 256, (48, 64, 3), np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format='bgr24')))
        file.mux(stream.encode(None))
    assert len(list(VideoFile(path).frames())) == 60
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    with pytest.raises(DamagedVideoError, match=r'a\.mkv announces 6\.0 s, and ends after [23]\.'):
        list(VideoFile(path).frames())


def test_the_colours_of_high_definition_are_read_and_written(tmp_path):
    """BT.709, and the file says so: players take what says nothing for that when it is large."""
    image = np.zeros((720, 1280, 3), np.uint8)
    image[..., 1] = 255
    with write_video(tmp_path / 'a.mp4', (720, 1280), fps=10) as video:
        video.write(image, 0.0)
    with av.open(str(tmp_path / 'a.mp4')) as file:
        decoded = next(file.decode(video=0))
        assert (decoded.colorspace, decoded.color_range) == (1, 1)
        assert abs(int(decoded.to_ndarray()[360, 640]) - 173) < 3     # ITU-R BT.709: Y of green
    frame, = VideoFile(tmp_path / 'a.mp4').frames()
    assert np.abs(frame.image.astype(int) - image).max() < 8


def test_pictures_come_at_their_rate(tmp_path):
    paths = [tmp_path / f'{number}.png' for number in range(3)]
    for path, shade in zip(paths, SHADES, strict=False):
        cv2.imwrite(str(path), plain(shade))
    source = Pictures(paths, 4.0)
    assert (source.count, source.rate) == (3, 4.0)
    assert [(frame.seconds, frame.image[0, 0, 0]) for frame in source.frames()] == [
        (0, 20), (0.25, 90), (0.5, 160)]
    cv2.imwrite(str(paths[1]), plain(9, (48, 66)))
    with pytest.raises(DamagedVideoError, match=r'1\.png has 66x48 pixels: expected 64x48'):
        list(source.frames())
    paths[1].write_text('no picture')
    with pytest.raises(DamagedVideoError, match=r'1\.png is no image'):
        list(source.frames())


class Capture:
    """What OpenCV gives for a camera that is taken away after three frames."""

    def __init__(self, index):
        self.is_open, self.left = index == 2, 3

    def isOpened(self):     # noqa: N802
        return self.is_open

    def set(self, name, value):
        pass

    def get(self, name):
        return 0.0          # as many drivers say

    def read(self):
        self.left -= 1
        return (True, plain(50)) if self.left >= 0 else (False, None)

    def release(self):
        self.is_open = False


def test_a_webcam_gives_frames_until_it_is_taken_away():
    source = Webcam(2, Capture)
    assert source.is_live
    assert source.rate == 30
    times = [frame.seconds for frame in source.frames()]
    assert len(times) == 3
    assert times[0] == 0
    assert times == sorted(times)
    with pytest.raises(ValueError, match=r'camera 5 cannot be opened: .*/dev/video5'):
        Webcam(5, Capture)
