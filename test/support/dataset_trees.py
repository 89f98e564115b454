"""Small data sets on disk, each in the layout of its official download."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace

Frame = tuple[str, np.ndarray, np.ndarray]
"""A data set's own name of an image, the BGR image, and labels of the data set's label space."""

NAMES = {
    'cityscapes': ('frankfurt_000000_000294', 'frankfurt_000001_000000', 'lindau_000000_000019'),
    'coco': ('000000000139', '000000000285', '000000581781'),
    'kitti-360': ('2013_05_28_drive_0000_sync/0000000250', '2013_05_28_drive_0000_sync/0000000251',
                  '2013_05_28_drive_0009_sync/0000000250'),
    'kitti-step': ('0002/000000', '0002/000001', '0018/000000')}

SPACES = {kind: LabelSpace.load(kind) for kind in NAMES}
CITYSCAPES, COCO = SPACES['cityscapes'], SPACES['coco']


def frames_of(kind: str) -> Iterator[Frame]:
    """Yield three frames with things, crowd and void, of what a kind of data set can say."""
    for seed, name in enumerate(NAMES[kind]):
        labels = scene_pair(seed, SPACES[kind])[1]
        yield name, np.random.default_rng(seed).integers(
            0, 256, (*labels.shape, 3), np.uint8), labels


def tree(kind: str, folder: Path, **options: str) -> Path:
    """Write ``frames_of`` a kind in its layout and return the folder."""
    trees = {'cityscapes': cityscapes_tree, 'coco': coco_tree, 'kitti-360': kitti_360_tree,
             'kitti-step': kitti_step_tree}
    return trees[kind](folder, frames_of(kind), **options)


def cityscapes_tree(folder: Path, frames: Iterable[Frame], split: str = 'val') -> Path:
    """Write leftImg8bit and gtFine; names are such as ``frankfurt_000000_000294``."""
    for name, image, labels in frames:
        city = name.split('_')[0]
        write(folder / f'leftImg8bit/{split}/{city}/{name}_leftImg8bit.png', image)
        write(folder / f'gtFine/{split}/{city}/{name}_gtFine_instanceIds.png',
              instance_ids(labels, first=0))
    return folder


def official_panoptic(folder: Path, split: str = 'val', train_ids: bool = False) -> None:
    """Add the panoptic files to a Cityscapes tree, as Cityscapes' own script makes them."""
    from cityscapesscripts.preparation.createPanopticImgs import convert2panoptic
    convert2panoptic(str(folder / 'gtFine'), useTrainId=train_ids, setNames=[split])


def coco_tree(folder: Path, frames: Iterable[Frame], split: str = 'val2017') -> Path:
    """Write images and panoptic annotations; names are such as ``000000000139``."""
    annotations = []
    for name, image, labels in frames:
        write(folder / split / f'{name}.jpg', image)
        # Ids that are neither ordered as the labels are nor fit sixteen bits, as COCO's own.
        present = np.unique(labels[labels != UNLABELED])
        ids = dict(zip(present.tolist(), np.random.default_rng(len(present)).choice(
            1 << 24, len(present), replace=False).tolist(), strict=True))
        identifier = np.zeros(labels.shape, np.uint32)
        segments = []
        for label, segment in ids.items():
            identifier[labels == label] = segment
            class_id, instance = divmod(label, COCO.label_divisor)
            segments.append({'id': segment, 'category_id': COCO.categories[class_id].dataset_id,
                             'iscrowd': int(COCO.is_thing[class_id] and instance == 0),
                             'bbox': [0, 0, 1, 1], 'area': int((labels == label).sum())})
        write(folder / f'annotations/panoptic_{split}/{name}.png',
              np.stack([identifier >> 16, identifier >> 8 & 255, identifier & 255],
                       -1).astype(np.uint8))
        annotations.append({'segments_info': segments, 'file_name': f'{name}.png',
                            'image_id': int(name)})
    data = {'info': {'year': 2017}, 'licenses': [{'id': 1, 'name': 'any'}],
            'images': [{'file_name': f'{a["image_id"]:012d}.jpg', 'id': a['image_id']}
                       for a in annotations],
            'annotations': annotations,
            'categories': [{'id': c.dataset_id, 'name': c.name, 'isthing': int(c.is_thing),
                            'color': list(c.color)} for c in COCO.categories]}
    (folder / f'annotations/panoptic_{split}.json').write_text(json.dumps(data))
    return folder


def kitti_step_tree(folder: Path, frames: Iterable[Frame], split: str = 'val') -> Path:
    """Write images and panoptic maps; names are such as ``0002/000000``."""
    for name, image, labels in frames:
        write(folder / f'images/{split}/{name}.png', image)
        instance = CITYSCAPES.instances(labels)
        bgr = [instance % 256, instance // 256, CITYSCAPES.semantic(labels)]
        write(folder / f'panoptic_maps/{split}/{name}.png', np.stack(bgr, -1).astype(np.uint8))
    return folder


def kitti_360_tree(folder: Path, frames: Iterable[Frame], split: str = 'val') -> Path:
    """Write images, labels and the split's list; names: 2013_05_28_drive_0000_sync/0000000250."""
    lines = []
    for name, image, labels in frames:
        drive, frame = name.split('/')
        raw = f'data_2d_raw/{drive}/image_00/data_rect/{frame}.png'
        truth = f'data_2d_semantics/train/{drive}/image_00'
        ids = instance_ids(labels, first=1, space=SPACES['kitti-360'])
        write(folder / raw, image)
        write(folder / truth / f'instance/{frame}.png', ids)
        write(folder / truth / f'semantic/{frame}.png', (ids // 1000).astype(np.uint8))
        lines.append(f'{raw} {truth}/semantic/{frame}.png\n')
    (folder / f'data_2d_semantics/train/2013_05_28_drive_{split}_frames.txt').write_text(
        ''.join(lines))
    return folder


def instance_ids(labels: np.ndarray, first: int, space: LabelSpace = CITYSCAPES) -> np.ndarray:
    """
    Return labels as the 16-bit ids of Cityscapes, where things count from ``first``.

    Void is 0.  Cityscapes, with ``first`` 0, writes stuff and crowd as the plain id; KITTI-360,
    with ``first`` 1, writes them as id * 1000.
    """
    dataset_id = np.zeros(256, np.uint16)
    dataset_id[:len(space)] = [c.dataset_id for c in space.categories]
    plain, instance = dataset_id[space.semantic(labels)], space.instances(labels)
    no_number = plain if first == 0 else plain * 1000
    return np.where(instance > 0, plain * 1000 + instance - 1 + first, no_number).astype(np.uint16)


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels), path
