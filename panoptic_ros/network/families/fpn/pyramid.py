"""The feature pyramid (Lin et al., CVPR 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class Pyramid(nn.Module):
    """
    Maps of equal channels, of strides 4 to 64, from those of a backbone.

    Parameters
    ----------
    inputs
        Channels of the backbone's maps, fine to coarse.
    channels
        Channels of the pyramid's maps.

    """

    def __init__(self, inputs: Sequence[int], channels: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(count, channels, 1) for count in inputs)
        self.output = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in inputs)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return one map more than the backbone has; the last is every second cell of another."""
        above: Tensor | None = None
        pyramid: list[Tensor] = []
        for features, lateral, output in zip(reversed(maps), reversed(self.lateral),
                                             reversed(self.output), strict=True):
            here = lateral(features)
            if above is not None:
                here = here + F.interpolate(above, scale_factor=2.0, mode='nearest')
            above = here
            pyramid.insert(0, output(here))
        return [*pyramid, F.max_pool2d(pyramid[-1], 1, 2)]
