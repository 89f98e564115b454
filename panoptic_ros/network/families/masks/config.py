"""The shape of a network that predicts masks, with the way in which it takes images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from .settings import read_settings

STRIDE = 4
"""Input pixels per cell of the masks of Mask2Former."""
EOMT = {'hidden_size': 1024, 'num_hidden_layers': 24, 'num_attention_heads': 16, 'num_blocks': 4,
        'image_size': 640, 'patch_size': 16, 'num_upscale_blocks': 2, 'num_queries': 200}
"""What an EoMT has where its ``config.json`` does not say it."""
MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Means and standard deviations of ImageNet's red, green and blue, 0 to 255."""


@dataclass(frozen=True)
class MasksConfig:
    """
    A Mask2Former (Cheng et al., CVPR 2022) or an EoMT (Kerssies et al., CVPR 2025).

    Raises
    ------
    ValueError
        A value is out of range.

    """

    family: ClassVar[str] = 'masks'

    name: str
    settings: dict[str, Any]
    """The settings by Hugging Face's names; see ``settings.read_settings``."""
    mean: tuple[float, float, float] = MEAN
    """Mean of red, green and blue, 0 to 255."""
    deviation: tuple[float, float, float] = DEVIATION
    fit: str = 'pad'
    """How an image is brought to the network's input: 'pad' keeps its aspect, 'stretch' not."""
    padding: tuple[int, ...] = (104, 116, 124)
    """Blue, green and red of the padding; empty without."""

    def __post_init__(self) -> None:
        if read_settings(self.settings) != self.settings:
            raise ValueError(f'the settings of network {self.name!r} have others than are known: '
                             'pass them through read_settings')
        if min(self.deviation) <= 0:
            raise ValueError(f'deviation is {self.deviation}: expected values above 0')
        if self.fit not in ('stretch', 'pad') or len(self.padding) != 3 * (self.fit == 'pad'):
            raise ValueError(f'fit is {self.fit!r} and padding {self.padding}: expected pad with '
                             'a colour, or stretch without')
        if self.model == 'eomt':
            self._check_eomt()

    def _check_eomt(self) -> None:
        side, halvings = (self._setting(name) for name in ('image_size', 'num_upscale_blocks'))
        if side % self.patch:
            raise ValueError(f'image_size is {side}: expected a multiple of patch_size, '
                             f'{self.patch}')
        if self.patch % (1 << halvings):
            raise ValueError(f'patch_size is {self.patch}: expected a multiple of '
                             f'{1 << halvings}, as each of the {halvings} blocks of '
                             'num_upscale_blocks halves the cells of the masks')
        layers, blocks = (self._setting(name) for name in ('num_hidden_layers', 'num_blocks'))
        if blocks > layers:
            raise ValueError(f'num_blocks is {blocks}: expected at most the {layers} of '
                             'num_hidden_layers, of which the last num_blocks see the queries')
        width, heads = (self._setting(name) for name in ('hidden_size', 'num_attention_heads'))
        if width % heads:
            raise ValueError(f'hidden_size is {width}: expected a multiple of '
                             f'num_attention_heads, {heads}')

    def _setting(self, name: str) -> int:
        """Return a setting of an EoMT, or what the library takes without it."""
        return int(self.settings.get(name, EOMT[name]))

    @property
    def model(self) -> str:
        """Return 'mask2former' or 'eomt'."""
        return str(self.settings['model_type'])

    @property
    def patch(self) -> int:
        """Pixels per side of EoMT's patches."""
        return self._setting('patch_size')

    @property
    def queries(self) -> int:
        """Number of queries."""
        return self._setting('num_queries') if self.model == 'eomt' else int(
            self.settings.get('num_queries', 100))

    @property
    def stride(self) -> int:
        """Input pixels per cell of the masks."""
        if self.model == 'mask2former':
            return STRIDE
        return self.patch >> self._setting('num_upscale_blocks')

    def check_size(self, size: tuple[int, int], padded: bool = False) -> None:
        """
        Check that the network takes images of a size (height, width).

        Raises
        ------
        ValueError
            The network does not take the size; the message names one that it takes.

        """
        if self.model == 'eomt':
            side = self._setting('image_size')
            if tuple(size) != (side, side):
                raise ValueError(f'size is {size[0]}x{size[1]}: network {self.name!r} takes '
                                 f'{side}x{side} only, for which its positions were trained')
        elif any(side < 32 or side % 32 for side in size):
            near = 'x'.join(str(max(1, round(side / 32)) * 32) for side in size)
            raise ValueError(f'size is {size[0]}x{size[1]}: network {self.name!r} takes multiples '
                             f'of 32: the nearest is {near}')

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> MasksConfig:
        """Build the configuration from what ``to_dict`` returned, also by way of JSON."""
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                                  for name, value in data.items()}
        return cls(**values)
