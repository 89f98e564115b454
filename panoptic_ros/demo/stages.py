"""The demo from the first stage to the last."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..bags.reader import Bag
from ..memory import use_large_buffers
from . import results, session
from .domain import private_domain
from .node_process import NodeProcess
from .recording import CAMERA, Recipe, recorded_drive

OUTPUTS = {
    'output': 'rosbag2 in MCAP: camera, panoptic, objects, label_info, diagnostics',
    'overlay.mp4': 'the drive with its segments',
    'overlay.png': 'contact sheet',
    'report.json': 'the tables'}
"""The files that the demo leaves in its folder."""


class Show(Protocol):
    """Called with a stage's name and its frames; shows how far the stage is."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show how many of its frames a stage has done."""


@dataclass(frozen=True)
class Options:
    """
    How the demo is run.

    Raises
    ------
    ValueError
        The rate is not positive.

    """

    model: Path
    folder: Path = Path('demo')
    recipe: Recipe = field(default_factory=Recipe)
    rate: float = 1.0
    """Speed of the replay; 1 is real time."""
    domain: int | None = None
    """The ROS domain; by default a free one."""

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise ValueError(f'rate is {self.rate}: expected more than 0')


def run(options: Options, show: Show) -> dict[str, Any]:
    """
    Make the drive, replay it to the node, record, measure and draw; return the figures.

    Raises
    ------
    FileNotFoundError
        There is no model.
    NodeError
        The node ended or answered nothing.
    BagError
        A bag cannot be read or written.
    ImportError
        A library that the demo needs is not installed.

    """
    start = time.monotonic()
    folder, recipe = options.folder, options.recipe
    if not options.model.is_file():
        raise FileNotFoundError(f'no model {options.model}: give one with --model')
    folder.mkdir(parents=True, exist_ok=True)
    for name in OUTPUTS:        # no old file may pass for a result
        if (folder / name).is_file():
            (folder / name).unlink()
    path = recorded_drive(recipe, folder, lambda n: show('drawing the drive', n, recipe.frames))
    with Bag(path) as drive:
        run = _replay(drive, options, show)
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            show('measuring and drawing', done, len(run.answered))

        with Bag(folder / 'output') as output:
            quality = results.draw_and_measure(drive, output, folder, recipe, len(run.answered),
                                               advance)
    return {**results.figures(run), 'quality': quality,
            'drive': {'bag': str(path), 'seed': recipe.seed, 'frames': recipe.frames,
                      'fps': recipe.fps, 'size': [recipe.height, recipe.width],
                      'rate': options.rate},
            'machine': {'cores': os.cpu_count()}, 'seconds': time.monotonic() - start}


def _replay(drive: Bag, options: Options, show: Show) -> session.Run:
    def replayed(done: int) -> None:
        show('starting the node', 1, 1)
        show('replaying to the node', done, options.recipe.frames)

    show('starting the node', 0, 1)
    private = private_domain() if options.domain is None else nullcontext(options.domain)
    with private as domain:
        set_up_dds(domain, options.domain is None)
        with NodeProcess(options.folder / 'node.log', {'image': CAMERA},
                         {'model': options.model.resolve(), 'use_sim_time': True}) as node:
            return session.run(drive, options.folder / 'output', node, domain, options.rate,
                               replayed)


def set_up_dds(domain: int, is_private: bool) -> None:
    """Let this process and the processes that it starts find each other and share large images."""
    os.environ['ROS_DOMAIN_ID'] = str(domain)
    if is_private:
        os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    use_large_buffers()
