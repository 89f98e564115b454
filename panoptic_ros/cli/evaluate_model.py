"""The model that ``evaluate`` measures."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..engine import OnnxEngine
from ..evaluation.translation import losses, translation
from ..labels import LabelSpace
from ..pipelines.contract import contract
from ..pipelines.cpu import CpuPipeline
from ..resources import model_path
from ..segmenter import Segmenter, Setup
from .family_arguments import FamilyOptions
from .opening import open_model


def opener(args: argparse.Namespace,
           space: LabelSpace) -> tuple[dict[str, Any], Callable[[], Segmenter]]:
    """
    Return a report's entries about the model, and a function that opens it in each process.

    Raises
    ------
    ImportError, OSError, ValueError, DeviceError, CompileError, BuildError
        The model cannot be opened, or does not tell the classes of the label space apart.

    """
    model = _Model(args.model or model_path('streets'), args.device, FamilyOptions.of(args),
                   Setup(method=args.method, gpu=args.gpu), tuple(args.scales), args.flip)
    with closing(model()) as segmenter:
        known = segmenter.label_space
        if known != space:
            try:
                translation(known, space)
            except ValueError as error:
                raise ValueError(
                    f'{model.path} knows label space {known.name!r}: expected {space.name!r}, the '
                    f'one of {args.dataset[0] if args.dataset else "streets"}, or one that tells '
                    f'all of it apart ({error})') from error
            print(f'labels of {known.name!r} are measured in {space.name!r}: '
                  f'{losses(known, space) or "nothing is lost"}')
        on_gpu = segmenter.gpu_memory() is not None
        description = {'model': model.path.name, 'network': segmenter.metadata.network,
                       'runtime': segmenter.description,
                       'method': 'cuda' if on_gpu else args.method,
                       'label_space': known.name, 'measured_in': space.name}
    # The device has been printed once.  With a fixed device, the processes do not print it again.
    return description, replace(
        model, device='gpu' if on_gpu else 'cpu',
        setup=replace(model.setup, threads=1 if args.workers > 1 else 0))


@dataclass(frozen=True)
class _Model:
    """Opens one model, or several models whose heads are averaged on the processor."""

    path: Path
    device: str
    options: FamilyOptions
    setup: Setup
    scales: tuple[Path, ...]
    flip: bool

    def __call__(self) -> Segmenter:
        if not self.flip and not self.scales:
            return open_model('evaluate', self.path, self.device, self.options, self.setup)
        from ..evaluation.deeplab.averaged_engine import AveragedEngine
        engines = [OnnxEngine(file, contract, self.setup.threads)
                   for file in (self.path, *self.scales)]
        segmenter = Segmenter(CpuPipeline(AveragedEngine(engines, self.flip), self.setup.method))
        segmenter.options = self.options.applied(segmenter.family, segmenter.recommended)
        return segmenter
