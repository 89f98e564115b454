"""Public data sets in the layouts of their official downloads, and folders of one's own."""

from .cityscapes import Cityscapes
from .coco import CocoPanoptic
from .dataset import Dataset, Video
from .folders import LabelledFolders
from .kitti_360 import Kitti360
from .kitti_step import KittiStep
from .opening import DATASETS, SPLITS, VIDEOS, open_dataset

__all__ = ['DATASETS', 'SPLITS', 'VIDEOS', 'Cityscapes', 'CocoPanoptic', 'Dataset', 'Kitti360',
           'KittiStep', 'LabelledFolders', 'Video', 'open_dataset']
