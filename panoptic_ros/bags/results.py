"""What is written of a bag: which topics, and their messages for each frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import messages, overlay
from ..labels import LabelSpace
from ..messages import COMPRESSED_IMAGE, DETECTIONS, IMAGE, LABEL_INFO
from ..panoptic import Panoptic
from ..tracking import Tracker
from .frames import stamp_of
from .messages import header, image, new
from .reader import Bag, BagError, Record
from .writer import BagWriter

PREFIX = '/panoptic_node'
"""Where the node's private topics stand when it is not renamed."""

Span = tuple[int, int]
"""From one time to before another, in nanoseconds since the epoch."""

_PREFIX = re.compile('(/[A-Za-z_][A-Za-z0-9_]*)*')


@dataclass(frozen=True)
class Labelling:
    """What is to be written of a bag."""

    topic: str | None = None
    """The camera topic; the bag's only one by default."""
    prefix: str = PREFIX
    """What stands before ``/panoptic``, ``/objects`` and ``/label_info``."""
    with_camera: bool = True
    """Also copy the camera's messages."""
    with_overlay: bool = False
    """Also draw ``PREFIX/overlay/compressed``, JPEG."""
    with_tracking: bool = True
    """Things keep their numbers from frame to frame."""
    model: str = ''
    """Tells the model from every other: a run with another does not go on from this one."""
    part: Span | None = None
    """Only the frames that were received in this span; such a bag keeps its journal."""

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise BagError(f'prefix is {self.prefix!r}: expected the beginning of topics, as in '
                           f'{PREFIX}')

    def topics(self, camera: str, camera_type: str) -> dict[str, str]:
        """
        Return the types of what is written for each frame, by topic.

        Raises
        ------
        BagError
            The camera's own topic is among the results'.

        """
        topics = {f'{self.prefix}/panoptic': IMAGE, f'{self.prefix}/objects': DETECTIONS}
        if self.with_camera:
            if camera in (*topics, f'{self.prefix}/label_info',
                          f'{self.prefix}/overlay/compressed'):
                raise BagError(f'{camera} is a topic of the results as well, and one would '
                               'take the place of the other: choose another --prefix, or '
                               '--without-camera')
            topics[camera] = camera_type
        if self.with_overlay:
            topics[f'{self.prefix}/overlay/compressed'] = COMPRESSED_IMAGE
        return topics


class Results:
    """
    Tracks the frames of a camera in their order, and makes the messages of each.

    Parameters
    ----------
    options
        What is to be written.
    label_space
        The classes.

    """

    def __init__(self, options: Labelling, label_space: LabelSpace) -> None:
        self._options = options
        self._label_space = label_space
        self.tracker = Tracker(label_space) if options.with_tracking else None

    def begin(self, target: BagWriter, source: Bag, topics: dict[str, str]) -> None:
        """Declare the topics, and write the classes."""
        latched = f'{self._options.prefix}/label_info'
        for name, kind in topics.items():
            target.add_topic(name, kind)
        target.add_topic(latched, LABEL_INFO, latched=True)
        target.write(latched, source.start, messages.label_info(
            new, self._label_space, header(source.start, '')))

    def of(self, record: Record, its_header: Any, panoptic: Panoptic,
           pixels: npt.NDArray[np.uint8] | None) -> dict[str, Any]:
        """Return a frame's messages, by topic; ``pixels`` are needed for an overlay."""
        if self.tracker is not None:
            panoptic = self.tracker(panoptic, seconds(stamp_of(its_header), record))
        prefix = self._options.prefix
        results: dict[str, Any] = {
            record.topic.name: record.data,
            f'{prefix}/panoptic': image(panoptic.labels, '16UC1', its_header),
            f'{prefix}/objects': messages.detections(new, panoptic, its_header)}
        if self._options.with_overlay:
            assert pixels is not None
            results[f'{prefix}/overlay/compressed'] = messages.compressed_image(
                new, overlay.draw(pixels, panoptic), 'bgr8', its_header)
        return results


def seconds(stamp: int, record: Record) -> float:
    """Return the time that the tracker lives by."""
    return 1e-9 * (stamp or record.time)
