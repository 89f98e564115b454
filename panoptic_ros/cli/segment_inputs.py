"""What the inputs of ``segment`` are: a bag, a video, a webcam, or pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ..images import Limits
from ..images import files as image_files
from ..offline.inputs import is_bag, is_video
from ..pictures import find_pictures
from ..videos.sources import Pictures, Source, VideoFile, Webcam
from ..videos.writer import partial_of


def refuse_video(inputs: Sequence[Path], output: Path) -> None:
    """
    Refuse a video or a webcam whose output is no ``.mp4`` file.

    Raises
    ------
    ValueError
        An input is one of them.

    """
    for path in inputs:
        if is_video(path.name) or _is_webcam(path):
            what = 'the number of a webcam' if _is_webcam(path) else 'a video'
            raise ValueError(f'{path} is {what}, whose overlays go into a video: expected -o '
                             f'NAME.mp4, not {output}')


def open_source(inputs: Sequence[Path], fps: float, output: Path, limits: Limits) -> Source:
    """
    Open what a video is made of.

    Parameters
    ----------
    inputs
        A video file, the number of a webcam, or pictures and folders of pictures.
    fps
        Frames per second of a video of pictures.
    output
        The file that will be written.
    limits
        Limits of a frame.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        An input is none of these, or is the output or a part of it.
    ImportError
        PyAV is not installed.

    """
    first = inputs[0]
    written = {output.resolve(), partial_of(output).resolve()}
    if any(path.resolve() in written for path in inputs):
        raise ValueError(f'{output} is read, and the overlays would be written over it: expected '
                         'another name')
    if len(inputs) == 1 and _is_webcam(first):
        return Webcam(int(first.name))
    if bag := next((path for path in inputs if is_bag(path)), None):
        raise ValueError(f'{bag} is a bag, which is labelled into a bag: expected -o FOLDER, '
                         f'not {output}; --overlay writes the overlays into it')
    if _is_video(first) and len(inputs) == 1:
        return VideoFile(first, limits)
    for path in inputs:
        inside = image_files.visible(path, '**/*') if path.is_dir() else [path]
        if video := next((part for part in inside if _is_video(part)), None):
            raise ValueError(f'{video} is a video beside other inputs: expected one video, or '
                             'only pictures')
        if path.is_file() and path.suffix.lower() not in image_files.PICTURE_SUFFIXES:
            raise ValueError(f'{path} has the name of no video or picture: expected one such as '
                             '.mp4, .mov, .mkv, .png or .jpg')
    if not 0 < fps < math.inf:
        raise ValueError(f'--fps is {fps:g}: expected more than 0')
    return Pictures(list(find_pictures(inputs)), fps, limits)


def _is_video(path: Path) -> bool:
    return is_video(path.name) and not path.is_dir()


def _is_webcam(path: Path) -> bool:
    return path.name.isdecimal() and path == Path(path.name) and not path.exists()
