"""Public data sets in the layouts of their official downloads."""

from .cityscapes import Cityscapes
from .coco import CocoPanoptic
from .dataset import Dataset, Video
from .kitti_360 import Kitti360
from .kitti_step import KittiStep
from .opening import DATASETS, VIDEOS, open_dataset

__all__ = ['DATASETS', 'VIDEOS', 'Cityscapes', 'CocoPanoptic', 'Dataset', 'Kitti360', 'KittiStep',
           'Video', 'open_dataset']
