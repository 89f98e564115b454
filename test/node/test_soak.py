"""Memory of the node under good and hostile load; SOAK_MINUTES says for how long."""

import os
import time
from array import array

import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from faults import FAULTS
from memory import resident, steady_growth
from ros_harness import compressed_message, image_message, start_node
from sensor_msgs.msg import CompressedImage, Image

pytestmark = [pytest.mark.ros, pytest.mark.slow]

SECONDS = 60 * float(os.environ.get('SOAK_MINUTES', '0'))
ROUND = 25
"""Images between two looks at the memory."""

FIRST, LEAST = 24, 20
"""Rounds until most that is kept is full, and rounds to look at however short the time."""

GROWTH = 250 if SECONDS else 1000
"""Bytes that each image may leave: the smallest image has 7 kB, and its labels 5 kB."""

NODE = '/soaked/panoptic_node'
FILE = '/soaked/rear/image/compressed'


def hostile_images(header):
    """Messages of which none can be segmented."""
    scene = tiny_model.scene()
    torn, narrow, absurd, strange = (image_message(scene, 'bgr8', header) for _ in range(4))
    torn.data = array('B', bytes(100))
    narrow.step = 3
    absurd.height = absurd.width = 2**31
    strange.encoding = 'mpeg' * 100
    return [torn, narrow, absurd, strange, Image(header=header)]


def hostile_files(header):
    """Files that are cut off, damaged, empty or larger than they can be."""
    jpeg = compressed_message(tiny_model.scene(), 'jpg', header)
    whole = bytes(jpeg.data)
    frame = whole.index(b'\xff\xc0')
    huge = whole[:frame + 5] + b'\xff\xff\xff\xff' + whole[frame + 9:]
    for data in (whole[:len(whole) // 2], b'', bytes(10000), whole[:2] + b'\xff\xc4' * 500, huge):
        jpeg = CompressedImage(header=header, format='jpeg', data=array('B', data))
        yield jpeg


def refused_parameters(client):
    """Parameters that are wrong, of another type, or known to nobody."""
    for name, value in (('deeplab.nms_kernel', 4), ('deeplab.top_k', 'many'), ('model', 'another'),
                        ('overlay_opacity', float('nan')), ('unheard_of', 1)):
        taken, reason = client.set_parameter(NODE, name, value)
        assert not taken
        assert reason


def test_memory_stays(domain, client, tiny_onnx):
    """Good images of changing sizes are answered, every output wanted, whatever else comes."""
    assert FAULTS['30 minutes of good and hostile load'].log is None
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    scenes = [tiny_model.scene(size) for size in ((96, 160), (64, 128), (37, 61))]
    with start_node(domain, model=tiny_onnx, cameras='[front, rear/compressed]',
                    stall_timeout=60.0, remap={'__ns': '/soaked'}) as node:
        node.wait_for_output('waiting for images')
        labels = client.subscribe(Image, f'{NODE}/front/panoptic')
        rear = client.subscribe(Image, f'{NODE}/rear/panoptic')
        for output in ('semantic', 'instance', 'confidence', 'overlay'):
            client.want(f'{NODE}/front/{output}')
        raw = client.publisher(Image, '/soaked/front/image')
        files = client.publisher(CompressedImage, FILE)

        def serve(image):
            header = client.header()
            if not image % 5:
                raw.publish(hostile_images(header)[image // 5 % 5])
                files.publish(list(hostile_files(header))[image // 5 % 5])
            message = image_message(scenes[image % 3], 'bgr8', client.header())
            if not image % 17:      # clocks that are wrong, backwards and not set
                message.header.stamp.sec = (0, -2**31, 2**31 - 1)[image // 17 % 3]
            client.exchange(message, '/soaked/front/image', labels)
            if not image % 10:
                message = compressed_message(scenes[image % 3], 'jpg', client.header())
                client.exchange(message, FILE, rear)
            for collector in (labels, rear, diagnostics):
                collector.clear()

        memory: list[int] = []
        end = time.monotonic() + SECONDS
        while time.monotonic() < end or len(memory) < FIRST + LEAST:
            for image in range(ROUND):
                serve(image)
            if not len(memory) % 10:
                refused_parameters(client)
                client.stop_publishing(FILE)
                files = client.publisher(CompressedImage, FILE)
            memory.append(resident(node))
        memory = memory[-max(LEAST, len(memory) // 2):]
        growth = steady_growth(memory) / ROUND
        print(f'{len(memory) * ROUND} images, {memory[-1] / 1e6:.1f} MB, '
              f'{growth:+.0f} bytes left by each')
        assert growth < GROWTH, memory
        engine = client.status(diagnostics, 'engine', NODE[1:])
        assert engine.level == DiagnosticStatus.OK, engine.message
        assert 'Traceback' not in node.output
        assert node.stop() == 0
