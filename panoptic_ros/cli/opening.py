"""Opening the model of a command on the device that it names."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from ..device import CompileError, DeviceError
from ..engine.build import BuildCancelled
from ..engine.builder import BuildError
from ..pipelines.opening import DEVICES
from ..segmenter import Segmenter, Setup
from .building import Building
from .family_arguments import FamilyOptions

FAILURES = (ImportError, OSError, ValueError, DeviceError, CompileError, BuildError)
"""The errors that end a command with one line, if the command runs a model."""


def add_device_arguments(parser: argparse._ActionsContainer) -> None:
    """Add the arguments ``--device`` and ``--gpu`` of commands that run a model."""
    parser.add_argument('--device', choices=DEVICES,
                        help='where the model runs; auto takes a GPU if there is one; for a GPU '
                        'the plan of an .onnx file is found, or built in minutes (default: auto)')
    parser.add_argument('--gpu', type=int, metavar='N', help='number of the GPU (default: 0)')


def open_model(command: str, path: Path, device: str, options: FamilyOptions,
               setup: Setup) -> Segmenter:
    """
    Open a model; log lines and the progress of a build go to the standard error.

    Parameters
    ----------
    command
        The command's name, which begins each line.
    path, device, setup
        As for ``Segmenter.open``; ``log``, ``progress`` and ``cancelled`` are set here.
    options
        The options from the command line.

    Raises
    ------
    ImportError, OSError, ValueError, DeviceError, CompileError, BuildError
        ``Segmenter.open`` raised it, or the options do not fit the model.
    KeyboardInterrupt
        Ctrl-C ended the build.

    """
    with Building(Console(stderr=True)) as building:
        try:
            segmenter = Segmenter.open(path, device, setup=replace(
                setup, log=lambda line: building.log(f'{command}: {line}'), progress=building.show,
                cancelled=building.cancelled, accept=options.check_family))
        except BuildCancelled as error:
            raise KeyboardInterrupt from error
    try:
        if building.cancelled():
            raise KeyboardInterrupt
        segmenter.options = options.applied(segmenter.family, segmenter.recommended)
    except BaseException:
        segmenter.close()
        raise
    return segmenter
