"""Compiled kernels on the disk that are not as they were written; docs/faults.md."""

import shutil
from pathlib import Path

import numba.core.caching
import numpy as np
import pytest
import tiny_model
from faults import FAULTS
from ros_harness import image_message, pixels_of, start_node
from sensor_msgs.msg import Image

from panoptic_ros import Segmenter
from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab import scoring

pytestmark = pytest.mark.ros


def test_a_damaged_cache_of_kernels_is_named(domain, client, tiny_onnx, tmp_path):
    fault, scene = FAULTS['compiled kernels damaged on the disk'], tiny_model.scene()
    expected = Segmenter.open(tiny_onnx)(scene).labels
    deeplab.warm_up()
    locate = numba.core.caching.UserProvidedCacheLocator.get_suitable_cache_subpath
    copy = tmp_path / 'cache' / locate(deeplab.__file__)
    copy.mkdir(parents=True)
    for file in Path(scoring.add_probability._cache.cache_path).glob('*.sealed.*'):
        shutil.copy(file, copy)
    for file in copy.glob('scoring.[a-z]*.nbc'):
        file.write_bytes(file.read_bytes()[:100])
    with start_node(domain, model=tiny_onnx, tracking=False,
                    environment={'NUMBA_CACHE_DIR': str(tmp_path / 'cache')},
                    remap={'__node': 'damaged', 'image': '/damaged/image'}) as node:
        assert str(copy) in node.wait_for_output(fault.log)
        labels = client.subscribe(Image, '/damaged/panoptic')
        answer = client.exchange(image_message(scene, 'bgr8', client.header()), '/damaged/image',
                                 labels)
        assert np.array_equal(pixels_of(answer), expected)
        assert node.stop() == 0, node.output
