"""
A Panoptic-FPN gives what detectron2's own code gives for the same weights and the same image.

``recorded/fpn.npz`` holds what detectron2 02b5c4e2 gave for ``fpn_networks.SMALL``, its
configuration panoptic_fpn_R_50_1x with small heads, for weights and an image by recipe: the logits
of stuff before the last upsampling, the detections, and the panoptic image for stuff of at least
200 pixels.  RoIAlign and NMS were torchvision's, in Python.
"""

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip('torch', reason='networks need PyTorch')
pytest.importorskip('onnx', reason='exporting needs onnx')

import engines  # noqa: E402
import fpn_networks as nets  # noqa: E402
from recorded_network import FOLDER  # noqa: E402

from panoptic_ros.families import fpn  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402
from panoptic_ros.network.export import export_onnx  # noqa: E402
from panoptic_ros.network.families.fpn.importing.conversion import FpnConversion  # noqa: E402
from panoptic_ros.network.importing.reading import SourceFile  # noqa: E402
