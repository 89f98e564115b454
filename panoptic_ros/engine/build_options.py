"""The options of a build."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

from .metadata import ModelError
from .onnx_file import OnnxFile
from .precision import PRECISIONS

_LEVELS = range(6)


class Gpu(Protocol):
    """The GPU that a plan is built for; ``device.Device`` is one."""

    @property
    def name(self) -> str:
        """The GPU's name, as the driver gives it."""

    @property
    def target(self) -> str:
        """The GPU's compute capability, such as 'sm_89'."""


@dataclass(frozen=True)
class BuildOptions:
    """
    How a plan is built.

    Raises
    ------
    ValueError
        A value is out of its range, or two contradict each other.

    """

    precision: str = 'fp16'
    """'fp32', 'fp16' or 'int8'."""
    target: str | None = None
    """Compute capability to build for, such as 'sm_89'; None stands for this machine's GPU."""
    batch: int = 1
    """Largest number of images at once."""
    static_batch: bool = False
    """Whether ``batch`` is also the smallest number of images at once."""
    workspace: int | None = None
    """Largest device memory for temporaries in MiB; None leaves it to TensorRT."""
    optimization_level: int | None = None
    """0 (quick to build) to 5 (quick to run); None leaves it to TensorRT."""
    dla_core: int | None = None
    """Core of the deep-learning accelerator to run on; None stands for the GPU."""

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f'precision {self.precision!r}: expected {", ".join(PRECISIONS)}')
        if self.target is not None and not re.fullmatch(r'sm_\d{2,3}', self.target):
            raise ValueError(f'target {self.target!r}: expected a compute capability such as '
                             'sm_89')
        if self.batch < 1:
            raise ValueError(f'batch {self.batch}: expected at least 1')
        if self.workspace is not None and self.workspace < 1:
            raise ValueError(f'workspace of {self.workspace} MiB: expected at least 1')
        if self.optimization_level is not None and self.optimization_level not in _LEVELS:
            raise ValueError(f'optimization level {self.optimization_level}: expected 0 to '
                             f'{_LEVELS[-1]}')
        if self.dla_core is not None and self.dla_core < 0:
            raise ValueError(f'DLA core {self.dla_core}: expected 0 or more')
        if self.dla_core is not None and self.precision == 'fp32':
            raise ValueError('precision fp32 on a DLA core: it computes in fp16 or int8 only')

    def profile(self, onnx: OnnxFile) -> tuple[int, int, int]:
        """
        Return the fewest, usual and most images at once of a plan built from a file.

        Raises
        ------
        ModelError
            The file's batch is fixed, and ``batch`` is another.

        """
        if onnx.batch is not None and onnx.batch != self.batch:
            raise ModelError(f'{onnx.path} takes exactly {onnx.batch} images at once, batch is '
                             f'{self.batch}: ask for {onnx.batch}, or export it with a symbolic '
                             'batch')
        fixed = self.static_batch or onnx.batch is not None
        return (self.batch if fixed else 1, self.batch, self.batch)

    def others(self) -> dict[str, Any]:
        """Return the options that a plan's sidecar keeps beside precision, target and batch."""
        return {'workspace': self.workspace, 'optimization_level': self.optimization_level,
                'dla_core': self.dla_core}
