"""Memory after images that were large; docs/faults.md."""

import numpy as np
import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from faults import FAULTS
from memory import resident
from ros_harness import image_message, start_node
from sensor_msgs.msg import Image

pytestmark = [pytest.mark.ros, pytest.mark.slow]

LARGE = (4320, 8192)
"""The largest camera that is taken by default."""


def test_memory_is_given_back_after_large_images(domain, client, tiny_onnx):
    """Fast DDS alone keeps what it had for the largest message: an image and its labels."""
    assert FAULTS['large images, then small ones or none'].log is None
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    small = tiny_model.scene()
    with start_node(domain, model=tiny_onnx, stall_timeout=60.0, latency_limit=0.0,
                    remap={'__ns': '/swollen'}) as node:
        node.wait_for_output('waiting for images')
        labels = client.subscribe(Image, '/swollen/panoptic_node/panoptic')

        def serve(image, **how):
            message = image_message(image, 'rgb8', client.header())
            client.exchange(message, '/swollen/image', labels, **how)
            labels.clear()
            return resident(node)

        before = serve(small)
        image = np.zeros((*LARGE, 3), np.uint8)
        # Sent again too early, two of them would be on their way at once, and Fast DDS would keep
        # room for both.
        large = max(serve(image, every=20.0) for _ in range(2))
        kept = image.nbytes * 5 // 3
        assert large > before + 2 * kept, 'there is something to give back'
        client.wait(lambda: resident(node) < before + kept + (100 << 20), 'memory given back')
        assert serve(small) < before + kept + (100 << 20)
        engine = client.status(diagnostics, 'engine', 'swollen/panoptic_node')
        assert engine.level == DiagnosticStatus.OK
        assert node.stop() == 0
