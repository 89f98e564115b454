"""The tables of ``benchmark robustness``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..evaluation.pieces import SMALL
from ..evaluation.robustness import CLEAN, Outcome, Taken, worst
from ..report import print_table

Outcomes = Mapping[str, Outcome]
"""What a model does, by condition."""


def print_outcomes(frames: str, models: Sequence[str], outcomes: Sequence[Outcomes]) -> None:
    """
    Print a table of all models by cause, and one of each model by class.

    Parameters
    ----------
    frames, models
        What the frames and the models are, in words.
    outcomes
        What each model does.

    """
    signs = [str(number) for number in range(1, len(models) + 1)] if len(models) > 1 else ['']
    for sign, model in zip(signs, models, strict=True):
        print(f'{sign}: {model}' if sign else model)
    print_table(f'{frames}: in percent; changed: pixels of another class than on the clean image; '
                f'small: pixels in connected pieces of under {SMALL}',
                ('', 'PQ', 'mIoU', 'accuracy', 'changed', 'small', 'in truth'),
                _rows(signs, outcomes))
    for sign, model, each in zip(signs, models, outcomes, strict=True):
        print_table(f'{sign or model}: IoU of the classes in percent, clean and where it is '
                    'lowest; below it, what most of the missed pixels are taken for, in percent '
                    "of the class's pixels",
                    ('class', CLEAN, 'lowest', 'second', 'third'), _class_rows(each))


def _rows(signs: Sequence[str], outcomes: Sequence[Outcomes]) -> Iterator[tuple[str, ...]]:
    """Yield the models' rows of each condition, one below the other."""
    for condition in outcomes[0]:
        for sign, each in zip(signs, outcomes, strict=True):
            yield (f'{condition}  {sign}'.rstrip(),
                   *(_shown(value) for value in _measures(each[condition])))


def _measures(outcome: Outcome) -> tuple[float, ...]:
    iou = outcome.mean_iou.compute()
    return (outcome.panoptic_quality.compute().all.pq, iou.mean, iou.pixel_accuracy,
            outcome.changed, outcome.small, outcome.true_small)


def _class_rows(outcomes: Outcomes) -> Iterator[tuple[str, ...]]:
    clean = outcomes[CLEAN].mean_iou
    true_pixels = clean.true_pixels
    for name, iou in clean.compute().per_class.items():
        if not true_pixels[clean.label_space.names.index(name)]:
            continue
        yield (name, _figure(iou, outcomes[CLEAN].taken(name)),
               *(f'{bad.condition} {_figure(bad.iou, bad.taken)}'
                 for bad in worst(outcomes, name)))


def _figure(iou: float, taken: Taken | None) -> str:
    return f'{iou:.0f}' + (f'\n{taken.name} {taken.share:.0f}' if taken else '')


def _shown(value: float) -> str:
    return '' if np.isnan(value) else f'{value:.1f}' if value >= 2 else f'{value:.2f}'
