"""What the inputs of ``segment`` are: a bag, a video, a webcam, or pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ..images import Limits
from ..images import files as image_files
from ..pictures import find_pictures
from ..videos.sources import Pictures, Source, VideoFile, Webcam

_BAGS = {'.mcap', '.db3', '.bag'}
_VIDEOS = {'.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.ts', '.webm', '.wmv'}


def is_bag(path: Path) -> bool:
    """
    Return whether a path is a bag and not pictures; the bag's metadata may be missing.

    The folder of a bag holds metadata and recordings, or one of the two and no picture.
    """
    if not path.is_dir():
        return path.suffix in _BAGS
    parts = [part for part in path.iterdir() if not part.name.startswith('.')]
    signs = (any(part.name == 'metadata.yaml' for part in parts)
             + any(not _BAGS.isdisjoint(part.suffixes) for part in parts))
    return signs == 2 or (signs == 1 and not image_files.find(path))


def refuse_video(inputs: Sequence[Path], output: Path) -> None:
    """
    Refuse a video or a webcam whose output is no ``.mp4`` file.

    Raises
    ------
    ValueError
        An input is one of them.

    """
    for path in inputs:
        if path.suffix.lower() in _VIDEOS or _is_webcam(path):
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
        An input is none of these, or is the output.
    ImportError
        PyAV is not installed.

    """
    first = inputs[0]
    if any(path.resolve() == output.resolve() for path in inputs):
        raise ValueError(f'{output} is read, and the overlays would be written over it: expected '
                         'another name')
    if len(inputs) == 1 and _is_webcam(first):
        return Webcam(int(first.name))
    if any(is_bag(path) for path in inputs):
        raise ValueError(f'{first} is a bag, which is labelled into a bag: expected -o FOLDER, '
                         f'not {output}; --overlay writes the overlays into it')
    is_file = first.is_file() and first.suffix.lower() not in image_files.PICTURE_SUFFIXES
    if is_file or first.suffix.lower() in _VIDEOS:
        if len(inputs) > 1:
            raise ValueError(f'{len(inputs)} inputs: expected one video, or only pictures')
        return VideoFile(first, limits)
    if not 0 < fps < math.inf:
        raise ValueError(f'--fps is {fps:g}: expected more than 0')
    return Pictures(list(find_pictures(inputs)), fps, limits)


def _is_webcam(path: Path) -> bool:
    return path.name.isdecimal() and path == Path(path.name) and not path.exists()
