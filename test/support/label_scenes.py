"""Generated pairs of label images: a truth with void and crowd, and an imperfect prediction."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from panoptic_ros import UNLABELED, LabelSpace


def scene_pair(seed: int, space: LabelSpace, size: tuple[int, int] = (96, 160),
               crowd: bool = True, predicted_void: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """
    Return (prediction, truth), both uint16 of ``size``.

    The prediction draws the truth's shapes again, moved, resized, renumbered, and at times
    dropped, doubled, halved or of another class.
    """
    rng = np.random.default_rng(seed)
    truth, prediction = (np.empty(size, np.uint16) for _ in range(2))
    edges = [0, *sorted(rng.integers(0, size[0], 3)), size[0]]
    for top, bottom in pairwise(edges):
        stuff = rng.choice(space.stuff_ids, 2) * space.label_divisor
        truth[top:bottom] = stuff[0]
        prediction[top:bottom] = stuff[int(rng.random() < 0.2)]
    numbers = rng.permutation(np.arange(1, min(space.max_instances, 500)))
    for index in range(int(rng.integers(5, 40))):
        box = random_box(rng, size)
        kind = rng.random()
        if kind < 0.1:
            fill(truth, box, UNLABELED)
        elif kind < 0.3:
            stuff = rng.choice(space.stuff_ids) * space.label_divisor
            fill(truth, box, stuff)
            fill(prediction, moved(rng, box, 3), stuff)
        else:
            class_id = int(rng.choice(space.thing_ids))
            is_crowd = crowd and kind < 0.45
            fill(truth, box, class_id * space.label_divisor + (0 if is_crowd else index + 1))
            if rng.random() < 0.15:
                class_id = int(rng.choice(space.thing_ids))
            for _ in range(int(rng.choice([0, 1, 2], p=[0.1, 0.75, 0.15]))):
                label = class_id * space.label_divisor + numbers[0]
                numbers = numbers[1:]
                fill(prediction, moved(rng, box, int(rng.integers(0, 12))), label)
    if predicted_void:
        for _ in range(int(rng.integers(0, 5))):
            fill(prediction, random_box(rng, size), UNLABELED)
    return prediction, truth


def random_box(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    corner = rng.integers(0, size)
    return np.concatenate([corner, corner + rng.integers(1, np.array(size) // 3 + 2)])


def moved(rng: np.random.Generator, box: np.ndarray, pixels: int) -> np.ndarray:
    return np.maximum(box + rng.integers(-pixels, pixels + 1, 4), 0)


def fill(image: np.ndarray, box: np.ndarray, label: int) -> None:
    top, left, bottom, right = box
    image[top:bottom, left:right] = label
