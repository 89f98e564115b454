"""The head that draws the masks of detections (Mask R-CNN, ICCV 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .box_head import Found
from .pooling import one_by_one, pool

DEPTH = 4
"""Number of its convolutions."""


class MaskHead(nn.Module):
    """
    A mask for each detection and class.

    Parameters
    ----------
    channels
        Channels of the maps and of the convolutions.
    things
        Number of classes.
    side
        Cells of a side of the masks; the features of a box have half as many.

    """

    def __init__(self, channels: int, things: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.convolutions = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1)
                                          for _ in range(DEPTH))
        self.upsample = nn.ConvTranspose2d(channels, channels, 2, 2)
        self.predictor = nn.Conv2d(channels, things, 1)

    def drawn(self, maps: Sequence[Tensor], boxes: Tensor, image: Tensor, classes: Tensor
              ) -> Tensor:
        """
        Return the logits of the masks of boxes, [R, side, side].

        Parameters
        ----------
        maps
            Of strides 4 to 32.
        boxes, image, classes
            [R, 4] in pixels of the input, and int64 [R], the image and the class of each.

        """
        features = pool(maps, boxes, image, self.side // 2)
        for layer in self.convolutions:
            features = F.relu(layer(features))
        logits = self.predictor(F.relu(self.upsample(features)))
        own = classes.reshape(-1, 1, 1, 1).expand(-1, 1, self.side, self.side)
        return logits.gather(1, own)[:, 0]

    def forward(self, maps: Sequence[Tensor], found: Found) -> Tensor:
        """Return probabilities [N, D, side, side] in the boxes; zeros past the last detection."""
        logits = self.drawn(maps, *one_by_one(found.boxes), found.classes)
        masks = logits.sigmoid().view(-1, found.scores.shape[1], self.side, self.side)
        return torch.where((found.scores > 0)[:, :, None, None], masks, 0)
