"""Measures of how well a prediction agrees with the ground truth."""

from .average_precision import AveragePrecision, AveragePrecisionResult, ClassPrecision
from .evaluation import Evaluation, Pair
from .lost_quality import LostQuality, LostQualityResult
from .mean_iou import MeanIoU, MeanIoUResult
from .overlaps import Overlaps, warm_up
from .panoptic_quality import ClassQuality, MeanQuality, PanopticQuality, PanopticQualityResult
from .parallel import evaluate
from .video_quality import VideoPanopticQuality, VideoPanopticQualityResult
from .views import Views

__all__ = [
    'AveragePrecision', 'AveragePrecisionResult', 'ClassPrecision', 'ClassQuality', 'Evaluation',
    'LostQuality', 'LostQualityResult', 'MeanIoU', 'MeanIoUResult', 'MeanQuality', 'Overlaps',
    'Pair', 'PanopticQuality', 'PanopticQualityResult', 'VideoPanopticQuality',
    'VideoPanopticQualityResult', 'Views', 'evaluate', 'warm_up',
]
