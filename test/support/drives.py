"""Recordings for labelling many at once, and what is compared of their outputs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import tiny_model

from panoptic_ros.bags import messages
from panoptic_ros.bags.writer import BagWriter
from panoptic_ros.messages import IMAGE
from panoptic_ros.offline.states import ENDING
from panoptic_ros.videos.writer import write_video

NAMES = ('a', 'b', 'more/c', 'street', 'clip.mp4')
"""Of the recordings that ``write`` writes."""


def write_bag(path: Path, frames: int = 14, turn: int = 1, scale: int = 4) -> Path:
    """Write a bag of cars that move, at 8 Hz; a frame or two are a chunk."""
    with BagWriter(path) as writer:
        writer.add_topic('/front', IMAGE)
        for number in range(frames):
            stamp = 10**18 + number * 125_000_000
            scene = np.roll(tiny_model.scene(), turn * number, axis=1)
            writer.write('/front', stamp, messages.image(
                scene.repeat(scale, 0).repeat(scale, 1), 'bgr8', messages.header(stamp, 'front')))
    return path


def write(folder: Path) -> Path:
    """Write three bags, a folder of pictures and a video."""
    for turn, name in enumerate(('a', 'b', 'more/c'), 1):
        write_bag(folder / name, turn=turn)
    (folder / 'street').mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / 'street' / f'{number}.png'),
                    np.roll(tiny_model.scene(), number, axis=1))
    with write_video(folder / 'clip.mp4', (64, 128), fps=10) as video:
        for number in range(5):
            video.write(np.roll(tiny_model.scene(), number, axis=1), 0.1 * number)
    return folder


def damage(path: Path) -> Path:
    """Damage the middle of a bag's file."""
    file = next(path.glob('*.mcap')) if path.is_dir() else path
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle:middle + 64] = bytes(64)
    file.write_bytes(data)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of outputs, without their states."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob('*')
            if file.is_file() and not file.name.endswith(ENDING)}
