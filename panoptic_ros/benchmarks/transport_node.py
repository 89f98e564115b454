"""The node of ``benchmark transport``: the real node, with a pipeline that takes no time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from .. import families
from ..engine import ModelMetadata
from ..labels import LabelSpace
from ..node.process import run
from ..panoptic import Panoptic
from ..segmenter import Segmented, Segmenter


class FreePipeline:
    """A pipeline that computes nothing: its result depends only on the image's size."""

    stages = ()
    batch = 1
    description, reason = 'nothing', 'for the benchmark'

    def __init__(self) -> None:
        space = LabelSpace.load('cityscapes')
        self.metadata = ModelMetadata('none', (64, 128), space, {'data': 'none'},
                                      layout={'stride': 4})
        self.family, self.about = families.find(self.metadata.family), {'GPU': 'none'}
        self._results: dict[tuple[int, ...], Panoptic] = {}

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]], options: Any,
                 confidence: bool) -> Segmented:
        """Return the results; each image is road only."""
        return Segmented([self._result(image.shape[:2]) for image in images], {})

    def warm_up(self) -> None:
        """There is nothing to prepare."""

    def memory(self) -> None:
        """There is no GPU."""

    def close(self) -> None:
        """There is nothing to release."""

    def _result(self, size: tuple[int, ...]) -> Panoptic:
        if size not in self._results:
            self._results[size] = Panoptic.from_labels(np.zeros(size, np.uint16),
                                                       self.metadata.label_space)
        return self._results[size]


def main() -> None:
    """Run the node; it takes the ROS arguments of ``panoptic_node``."""
    with patch.object(Segmenter, 'open', lambda *_, **__: Segmenter(FreePipeline())):
        sys.exit(run(sys.argv[1:]))


if __name__ == '__main__':
    main()
