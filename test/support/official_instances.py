"""The official Cityscapes evaluator of instances, run on the files it reads."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import numpy as np
from dataset_trees import instance_ids, write

from panoptic_ros import Panoptic

MODULE = 'cityscapesscripts.evaluation.evalInstanceLevelSemanticLabeling'


def evaluate(pairs: list[tuple[Panoptic, np.ndarray]], folder: Path) -> dict:
    """
    Run ``evaluateImgLists`` and return its averages.

    The precisions are fractions, by class name, NaN where the truth has no instance.
    """
    official = import_module(MODULE)
    predictions, truths = [], []
    for index, (prediction, truth) in enumerate(pairs):
        truths.append(str(folder / f'truth_{index}.png'))
        write(Path(truths[-1]), instance_ids(truth, first=0))
        lines = []
        for label, class_id, score in zip(prediction.segments.label, prediction.segments.class_id,
                                          prediction.segments.score, strict=True):
            mask = f'masks/{index}_{label}.png'
            write(folder / mask, 255 * (prediction.labels == label).astype(np.uint8))
            category = prediction.label_space.categories[class_id]
            lines.append(f'{mask} {category.dataset_id} {float(score)!r}\n')
        predictions.append(str(folder / f'prediction_{index}.txt'))
        Path(predictions[-1]).write_text(''.join(lines))
    official.args.quiet, official.args.JSONOutput = True, False
    official.args.gtInstancesFile = str(folder / 'absent.json')
    official.args.predictionPath = str(folder)
    # NumPy 2.4 has no in1d, and the files that it leaves behind do not take NumPy's integers
    with (patch.object(np, 'in1d', np.isin, create=True),
          patch.object(official, 'writeDict2JSON', lambda data, path: None)):
        return official.evaluateImgLists(predictions, truths, official.args)['averages']
