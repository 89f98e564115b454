"""A world of coloured boxes, cheap enough to train on in a test."""

import numpy as np

from panoptic_ros.labels import LabelSpace


class Boxes:
    """Frames of a sky, a road and some cars and persons, each class in its colour."""

    def __init__(self, size=(64, 128), things=4, count=16):
        self.size, self.things, self.count = size, things, count
        self.label_space = LabelSpace.load('cityscapes')

    @property
    def description(self):
        return f'boxes: {self.count} frames'

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        random = np.random.default_rng(index)
        height, width = self.size
        space = self.label_space
        labels = np.full(self.size, 10 * space.label_divisor, np.uint16)
        labels[height // 2:] = 0
        counts = {}
        for _ in range(self.things):
            class_id = int(random.choice([11, 13]))
            h, w = (30, 12) if class_id == 11 else (18, 28)
            y, x = random.integers(0, height - h), random.integers(0, width - w)
            counts[class_id] = counts.get(class_id, 0) + 1
            labels[y:y + h, x:x + w] = class_id * space.label_divisor + counts[class_id]
        image = space.colors[space.semantic(labels)][..., ::-1].astype(int)
        image += random.integers(0, 30, (*self.size, 1))
        return image.clip(0, 255).astype(np.uint8), labels
