"""The head of stuff (Kirillov et al., CVPR 2019)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class SemanticHead(nn.Module):
    """
    Logits of the stuff classes, and of one class for all things, at the stride of the first map.

    Parameters
    ----------
    maps
        How many maps it reads, each half as fine as the one before.
    inputs, channels, groups
        Channels of the maps, channels inside, and groups of the group norms.
    classes
        Number of the stuff classes and the one of things.

    """

    def __init__(self, maps: int, inputs: int, channels: int, groups: int, classes: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(_step(channels if step else inputs, channels, groups, level > 0)
                            for step in range(max(1, level))))
            for level in range(maps))
        self.predictor = nn.Conv2d(channels, classes, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Return the logits, [N, classes, h, w]."""
        branches = [branch(features) for branch, features in
                    zip(self.branches, maps, strict=True)]
        total = branches[0]
        for branch in branches[1:]:
            total = total + branch
        logits: Tensor = self.predictor(total)
        return logits


def _step(inputs: int, outputs: int, groups: int, doubled: bool) -> nn.Sequential:
    step = nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
                         nn.GroupNorm(groups, outputs), nn.ReLU(inplace=True))
    if doubled:
        step.append(nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False))
    return step
