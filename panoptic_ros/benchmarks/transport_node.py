"""The node of ``benchmark transport``: the real one, with an engine that costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from ..engine import ModelMetadata
from ..families import deeplab
from ..labels import LabelSpace
from ..node.process import run
from ..panoptic import Panoptic
from ..segmenter import Segmenter


class FreePipeline:
    """Knows the result of every image before it comes."""

    stages = ()
    batch = 1
    description = 'nothing'

    def __init__(self) -> None:
        space = LabelSpace.load('cityscapes')
        self.metadata = ModelMetadata('none', (64, 128), space, {'data': 'none'},
                                      layout={'stride': 4})
        self._results: dict[tuple[int, ...], Panoptic] = {}

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]], options: deeplab.Options,
                 pictures: frozenset[str], opacity: float,
                 times: dict[str, float] | None = None) -> list[Panoptic]:
        """Return the results; each image is road only."""
        return [self._result(image.shape[:2]) for image in images]

    def warm_up(self) -> None:
        """There is nothing to prepare."""

    def close(self) -> None:
        """There is nothing to release."""

    def _result(self, size: tuple[int, ...]) -> Panoptic:
        if size not in self._results:
            self._results[size] = Panoptic.from_labels(np.zeros(size, np.uint16),
                                                       self.metadata.label_space)
        return self._results[size]


def main() -> None:
    """Run the node; ROS arguments as for ``panoptic_node``."""
    with patch('panoptic_ros.node.session.open_segmenter',
               lambda *_: (Segmenter(FreePipeline()), 'for the benchmark')):
        sys.exit(run(sys.argv[1:]))


if __name__ == '__main__':
    main()
