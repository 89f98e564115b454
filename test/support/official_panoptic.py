"""The official Cityscapes panoptic evaluator, run on label images through the files it reads."""

from __future__ import annotations

from importlib import import_module
from multiprocessing.pool import ThreadPool
from pathlib import Path
from unittest.mock import patch

import numpy as np

from panoptic_ros import LabelSpace
from panoptic_ros.evaluation.coco_panoptic import CocoPanopticWriter

MODULE = 'cityscapesscripts.evaluation.evalPanopticSemanticLabeling'


def evaluate(pairs: list[tuple[np.ndarray, np.ndarray]], space: LabelSpace, folder: Path) -> dict:
    """Run ``evaluatePanoptic`` on files; return its results: fractions, classes by dataset id."""
    paths = []
    for name, images in zip(('prediction', 'truth'), zip(*pairs, strict=True), strict=True):
        writer = CocoPanopticWriter(folder / name, space)
        for i, image in enumerate(images):
            writer.add(f'image_{i}', image)
        paths.append((str(writer.save()), str(writer.folder)))
    prediction, truth = paths
    return evaluate_files(*truth, *prediction, str(folder / 'results.json'))


def evaluate_files(*files: str) -> dict:
    """Run ``evaluatePanoptic`` in threads: a fork of a process that has some may hang."""
    module = import_module(MODULE)
    with patch.object(module.multiprocessing, 'Pool', ThreadPool):
        return module.evaluatePanoptic(*files)


def count(prediction: np.ndarray, truth: np.ndarray, space: LabelSpace, folder: Path) -> dict:
    """Count one pair; return {class name: (tp, fp, fn, sum of IoU)} of the classes that occur."""
    writer = CocoPanopticWriter(folder, space)
    pair = writer.add('truth', truth), writer.add('prediction', prediction)
    categories = {c['id']: c for c in writer.categories}
    stat = import_module(MODULE).pq_compute_single_core(0, [pair], str(folder), str(folder),
                                                        categories)
    return {categories[i]['name']: (c.tp, c.fp, c.fn, c.iou) for i, c in stat.pq_per_cat.items()
            if c.tp + c.fp + c.fn}
