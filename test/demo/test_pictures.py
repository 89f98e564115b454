import av
import numpy as np
import pytest
import tiny_model

from panoptic_ros import Panoptic
from panoptic_ros.demo.answers import Answer
from panoptic_ros.demo.contact_sheet import contact_sheet
from panoptic_ros.demo.video import VideoWriter


def test_a_video_keeps_pictures_and_times(tmp_path):
    path = tmp_path / 'a.mp4'
    with VideoWriter(path, (65, 128), fps=10) as video:     # an odd height
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
    with pytest.raises(ZeroDivisionError), VideoWriter(tmp_path / 'a.mp4', (64, 64), 10) as video:
        video.write(np.zeros((64, 64, 3), np.uint8), 1 / 0)
    assert list(tmp_path.iterdir()) == []


def test_contact_sheet(tiny_onnx, cityscapes):
    from panoptic_ros import Segmenter
    image = tiny_model.scene((128, 256))
    panoptic = Segmenter.open(tiny_onnx)(image)
    answers = [Answer(float(n), image, panoptic, panoptic.labels) for n in range(2)]
    one, two = (contact_sheet(answers[:n], cityscapes) for n in (1, 2))
    row = 320 + 8
    assert two.shape == (one.shape[0] + row, one.shape[1], 3)
    assert one.shape[1] == 3 * 640 + 4 * 8
    sky = cityscapes.colors[cityscapes.names.index('sky')][::-1]
    camera, colors, legend = one[44 + 20, 300], one[44 + 20, 656 + 300], one[-34:]
    np.testing.assert_allclose(camera.astype(int), sky, atol=1)
    np.testing.assert_array_equal(colors, sky)
    for name in ('sky', 'road', 'car', 'person'):
        color = cityscapes.colors[cityscapes.names.index(name)][::-1]
        assert (legend == color).all(2).sum() > 200, name


def test_a_sheet_of_nothing(cityscapes):
    with pytest.raises(ValueError, match='no frame to show'):
        contact_sheet([], cityscapes)


def test_a_sheet_shows_pictures_of_any_size(cityscapes):
    image = np.zeros((37, 61, 3), np.uint8)
    answer = Answer(0.0, image, Panoptic.from_labels(np.full((37, 61), 65535, np.uint16),
                                                     cityscapes), np.zeros((37, 61), np.uint16))
    assert contact_sheet([answer], cityscapes).shape[1] == 3 * 640 + 4 * 8
