"""Memory of the node under good and bad images; SOAK_MINUTES says for how long, see faults.md."""

import os
import time
from array import array

import numpy as np
import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from faults import FAULTS
from memory import resident
from ros_harness import image_message, start_node
from sensor_msgs.msg import Image

pytestmark = [pytest.mark.ros, pytest.mark.slow]

SECONDS = 60 * float(os.environ.get('SOAK_MINUTES', '0'))
ROUND = 50
"""Images between two looks at the memory."""

FIRST, LEAST = 50, 30
"""Rounds until everything that is kept is full, and rounds to look at however short the time."""

GROWTH = 100e3
"""Bytes by which 1000 images may let it grow: one small object for each is too much."""


def test_memory_stays(domain, client, tiny_onnx):
    """Sizes that change, images that are rejected, every output wanted."""
    assert FAULTS['30 minutes of good and bad images'].log is None
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    scenes = [tiny_model.scene(size) for size in ((96, 160), (64, 128), (37, 61))]
    with start_node(domain, model=tiny_onnx, remap={'__ns': '/soaked'}) as node:
        node.wait_for_output('waiting for images')
        labels = client.subscribe(Image, '/soaked/panoptic_node/panoptic')
        pictures = [client.subscribe(Image, f'/soaked/panoptic_node/{output}')
                    for output in ('semantic', 'instance', 'confidence', 'overlay')]
        publisher = client.publisher(Image, '/soaked/image')
        torn = image_message(scenes[0], 'bgr8', client.header())
        torn.data = array('B', bytes(100))

        memory: list[int] = []
        end = time.monotonic() + SECONDS
        while time.monotonic() < end or len(memory) < FIRST + LEAST:
            for image in range(ROUND):
                if not image % 10:
                    publisher.publish(torn)
                message = image_message(scenes[image % 3], 'bgr8', client.header())
                client.exchange(message, '/soaked/image', labels)
                for collector in (labels, *pictures, diagnostics):
                    collector.clear()
            memory.append(resident(node))
        memory = memory[FIRST:]
        growth = np.polyfit(np.arange(len(memory)) * ROUND / 1000, memory, 1)[0]
        print(f'{len(memory) * ROUND} images, {memory[-1] / 1e6:.1f} MB, '
              f'{growth / 1e3:+.1f} kB per 1000 images')
        assert growth < GROWTH, memory
        engine = client.status(diagnostics, 'engine', 'soaked/panoptic_node')
        assert engine.level == DiagnosticStatus.OK, engine.message
        assert node.stop() == 0
