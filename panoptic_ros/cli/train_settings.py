"""The settings of a training: a recipe's, as the machine and the frames suit, or given ones."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..network.machine import GPU, PROCESSOR, changed, suited
from ..network.presets import recipe
from ..network.recipe import Recipe
from ..processes import cores
from .train_arguments import NETWORK, OF_DEEPLAB, PRESETS

if TYPE_CHECKING:
    from ..network.checkpoint import Checkpoint
    from ..network.family import Configuration

R = TypeVar('R', bound=Recipe)


class Settings(NamedTuple):
    """The settings, and which they are and why in words."""

    recipe: Recipe
    words: str


def network_of(args: argparse.Namespace, earlier: Checkpoint | None = None) -> Configuration:
    """
    Return the network of the checkpoint that goes on, else the one that the command line names.

    Raises
    ------
    ValueError
        They are different ones.

    """
    if earlier is None:
        return PRESETS[args.network or NETWORK]
    if args.network not in (None, earlier.config.name):
        raise ValueError(f'--network is {args.network}, and the checkpoint in {args.run} is of '
                         f'{earlier.config.name}: leave --network out, or start another training '
                         'with --weights or --backbone')
    return earlier.config


def chosen(args: argparse.Namespace, kind: str, frame: tuple[int, int] | None,
           gpu: bool) -> Settings:
    """
    Return the recipe for the data on this machine, changed by the values on the command line.

    Parameters
    ----------
    args
        The command line.
    kind
        The kind of data.
    frame
        (height, width) of the frames, or None if they are made in the recipe's size.
    gpu
        Whether the training is on a GPU.

    """
    config = network_of(args)
    published = recipe(config, kind)
    begun = replace(published, size=args.size) if args.size and not published.as_frames \
        else published
    found = suited(begun, GPU if gpu else PROCESSOR, config, args.size or frame)
    given = _given(args, found, config)
    found = replace(found, **given)
    if 'batch' not in given:        # a frame gives all of its images to a step
        images = found.crops_per_frame * found.looks
        found = replace(found, batch=max(2, images, found.batch // images * images))
    shown = [part for part in changed(published, found) if part.split()[0] not in given]
    words = (f'settings of the recipe for {kind}: batch {found.batch}, crop '
             f'{found.crop[0]}x{found.crop[1]}, frames as {found.size[0]}x{found.size[1]}, '
             + (f'{args.minutes:g} minutes' if args.minutes else f'{found.steps} steps'))
    if shown:
        why = 'to suit the frames' if gpu else (
            f'to suit {cores()} cores without a GPU, which would take minutes for a step of the '
            'recipe')
        words += f' ({", ".join(shown)}: {why}; arguments change them)'
    return Settings(found, words)


def resumed(args: argparse.Namespace, kind: str, earlier: Checkpoint) -> Settings:
    """
    Return the settings with which a training goes on, changed by the command line.

    They are those that its checkpoint tells, whatever the machine; older checkpoints tell none,
    and their recipes suited every machine.
    """
    training = earlier.training
    begun = recipe(earlier.config, kind)
    kept: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                            for name, value in training.get('recipe', {}).items()}
    begun = replace(begun, **kept)
    if not args.minutes and args.steps is None:
        args.minutes = training['options']['schedule']['minutes']
    found = replace(begun, **_given(args, begun, earlier.config))
    return Settings(found, f'settings of the checkpoint: batch {found.batch}, crop '
                    f'{found.crop[0]}x{found.crop[1]}')


def _given(args: argparse.Namespace, recipe: Recipe, config: Configuration) -> dict[str, Any]:
    """Return the settings that the command line has, by their names."""
    known = {field.name for field in fields(recipe)}
    for name in OF_DEEPLAB:
        if getattr(args, name) is not None and name not in known:
            raise ValueError(f'--{name} is for networks of Panoptic-DeepLab: {config.name} is '
                             'none, so leave it out')
    return {name: getattr(args, name) for name in known if getattr(args, name, None) is not None}
