"""Video panoptic quality: PQ of what segments are over several frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..labels import LabelSpace
from .overlaps import LabelImage, Overlaps
from .panoptic_quality import PanopticQuality, PanopticQualityResult

WINDOWS = (1, 2, 3, 4)
"""Frames; the paper takes as many, five frames of its videos apart."""


@dataclass(frozen=True)
class VideoPanopticQualityResult:
    """What ``VideoPanopticQuality.compute`` returns."""

    per_window: Mapping[int, PanopticQualityResult]
    """By the number of frames; that of 1 is the PQ of the images."""

    def mean(self, group: str = 'all') -> float:
        """
        Return VPQ in percent, the mean over the windows, of 'all', 'things' or 'stuff'.

        NaN where a window is longer than every clip.
        """
        return float(np.mean([getattr(result, group).pq for result in self.per_window.values()]))

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data for JSON; None where a mean is undefined."""
        means = {group: self.mean(group) for group in ('all', 'things', 'stuff')}
        return {**{group: None if value != value else value for group, value in means.items()},
                'per_window': {str(window): result.to_dict()
                               for window, result in self.per_window.items()}}


class VideoPanopticQuality:
    """
    Accumulates video panoptic quality over clips (Kim et al., CVPR 2020).

    The segments of one label in a window of consecutive frames are a tube.  Tubes are counted as
    ``PanopticQuality`` counts segments, in every window of a clip; VPQ is the mean over the
    lengths of the windows.  An object whose label changes on the way breaks its tube, so
    numbers count that stay the same.

    Parameters
    ----------
    label_space
        The classes.
    windows
        How many frames the windows have.

    Raises
    ------
    ValueError
        There is no window, or one of no frames.

    """

    def __init__(self, label_space: LabelSpace, windows: Sequence[int] = WINDOWS) -> None:
        if not windows or min(windows) < 1:
            raise ValueError(f'windows is {tuple(windows)}: expected numbers of frames from 1')
        self.label_space = label_space
        self._qualities = {window: PanopticQuality(label_space) for window in windows}
        self._frames: deque[Overlaps] = deque(maxlen=max(windows))

    def begin_clip(self) -> None:
        """Begin another clip: no window reaches back over this."""
        self._frames.clear()

    def update(self, prediction: LabelImage, truth: LabelImage) -> VideoPanopticQuality:
        """
        Count the next frame of a clip.

        Raises
        ------
        ValueError
            The sizes differ, or an image is not a label image of the label space.

        """
        self._frames.append(Overlaps.measure(prediction, truth, self.label_space))
        frames = list(self._frames)
        for window, quality in self._qualities.items():
            if len(frames) >= window:
                quality.add(Overlaps.join(frames[-window:]))
        return self

    def compute(self) -> VideoPanopticQualityResult:
        """Return the quality over all clips so far."""
        return VideoPanopticQualityResult(
            {window: quality.compute() for window, quality in self._qualities.items()})
