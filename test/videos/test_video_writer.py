import av
import numpy as np
import pytest

from panoptic_ros.videos.writer import write_video


def test_a_video_keeps_pictures_and_times(tmp_path):
    path = tmp_path / 'a.mp4'
    with write_video(path, (65, 128), fps=10) as video:     # an odd height
        for number, shade in enumerate((40, 120, 200)):
            picture = np.full((65, 128, 3), shade, np.uint8)
            picture[..., 2] = 255 - shade
            video.write(picture, seconds=0.2 * number)      # every other frame was dropped
    with av.open(str(path)) as file:
        assert file.streams.video[0].codec_context.name == 'h264'
        frames = list(file.decode(video=0))
    assert [round(frame.time, 3) for frame in frames] == [0.0, 0.2, 0.4]
    for frame, shade in zip(frames, (40, 120, 200), strict=True):
        pixels = frame.to_ndarray(format='bgr24')
        assert pixels.shape == (64, 128, 3)
        assert np.abs(pixels[20, 20].astype(int) - (shade, shade, 255 - shade)).max() < 12


def test_an_interrupted_video_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), write_video(tmp_path / 'a.mp4', (64, 64), 10) as video:
        video.write(np.zeros((64, 64, 3), np.uint8), 1 / 0)
    assert list(tmp_path.iterdir()) == []
