"""Compiled kernels on the disk that are not as they were written; docs/faults.md."""

import kept_kernels
import numpy as np
import pytest
import tiny_model
from faults import FAULTS
from ros_harness import image_message, pixels_of, start_node
from sensor_msgs.msg import Image

from panoptic_ros import Segmenter

pytestmark = pytest.mark.ros


def test_a_damaged_cache_of_kernels_is_named(domain, client, tiny_onnx, tmp_path):
    fault, scene = FAULTS['compiled kernels damaged on the disk'], tiny_model.scene()
    expected = Segmenter.open(tiny_onnx)(scene).labels
    folders = kept_kernels.copy_kernels(tmp_path)
    files = [path for folder in folders for path in folder.glob('centers._find_peaks-*.nbc')]
    for file in files:          # nobody reads those that are left of former sources
        file.write_bytes(file.read_bytes()[:100])
    with start_node(domain, model=tiny_onnx, tracking=False,
                    environment={'NUMBA_CACHE_DIR': str(tmp_path)},
                    remap={'__node': 'damaged', 'image': '/damaged/image'}) as node:
        assert str(files[0].parent) in node.wait_for_output(fault.log)
        labels = client.subscribe(Image, '/damaged/panoptic')
        answer = client.exchange(image_message(scene, 'bgr8', client.header()), '/damaged/image',
                                 labels)
        assert np.array_equal(pixels_of(answer), expected)
        assert node.stop() == 0, node.output
