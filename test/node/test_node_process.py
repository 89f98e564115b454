"""The node's process: what it is started with."""

import re
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from ros_harness import BEST_EFFORT, Process, image_message, start_node
from sensor_msgs.msg import Image

from panoptic_ros.resources import share_directory

pytestmark = pytest.mark.ros

LARGEST_SOCKET = Path('/proc/sys/net/core/rmem_max')
SCENE = tiny_model.scene()


def test_autostart_with_a_bad_model_leaves_a_diagnosed_node(domain, client, tiny_onnx, tmp_path):
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    remap = {'__node': 'repaired', 'image': '/repaired/image'}
    with start_node(domain, model=tmp_path / 'absent.onnx', remap=remap) as node:
        node.wait_for_output('cannot configure: no model file .*absent.onnx')
        assert client.state('/repaired') == 'unconfigured'
        status = client.status(diagnostics, 'engine', 'repaired')
        assert status.level == DiagnosticStatus.ERROR
        assert 'no model file' in status.message
        assert client.set_parameter('/repaired', 'model', str(tiny_onnx))[0]
        assert client.change_state('/repaired', 'configure')
        assert client.change_state('/repaired', 'activate')
        labels = client.subscribe(Image, '/repaired/panoptic')
        client.exchange(image_message(SCENE, 'bgr8', client.header()), '/repaired/image', labels)
        assert node.stop() == 0


def test_the_parameter_file_and_qos_overrides(domain, client, tiny_onnx, tmp_path):
    """The shipped file with a model of our own, a QoS override, and the Fast DDS profile."""
    profile = str(share_directory() / 'config' / 'fastdds.xml')
    environment = {f'{name}_DEFAULT_PROFILES_FILE': profile for name in ('FASTRTPS', 'FASTDDS')}
    text = (share_directory() / 'config' / 'panoptic.yaml').read_text()
    text = text.replace('model: streets', f'model: {tiny_onnx}')
    text = text.replace('top_k: -1', 'top_k: 1')
    file = tmp_path / 'panoptic.yaml'
    file.write_text(text + """
    qos_overrides:
      /filed/image:
        subscription:
          reliability: best_effort
""")
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    remap = {'__node': 'filed', 'image': '/filed/image'}
    with start_node(domain, params_file=file, remap=remap, environment=environment) as node:
        node.wait_for_output('waiting for images on /filed/image')
        assert client.get_parameter('/filed', 'deeplab.top_k') == 1
        client.publisher(Image, '/filed/image')
        reliability = client.node.get_subscriptions_info_by_topic('/filed/image')[0]
        assert reliability.qos_profile.reliability.name == 'BEST_EFFORT'
        labels = client.subscribe(Image, '/filed/panoptic')
        client.exchange(image_message(SCENE, 'bgr8', client.header()), '/filed/image', labels)
        engine = client.readings(diagnostics, 'engine', 'filed')
        assert engine['model'] == str(tiny_onnx)
        assert engine['label space'] == 'cityscapes'
        assert engine['label divisor'] == '1000'
        assert engine['input'] == '128x64'
        assert (engine['GPU'], engine['precision']) == ('none', 'of the model')
        memory = client.readings(diagnostics, 'memory', 'filed', 'resident [MB]')
        assert float(memory['resident [MB]']) <= float(memory['peak resident [MB]']) * 1.1
        assert float(engine['load time [s]']) > 0
        assert re.match(r'CPU \(ONNX Runtime .*\): .*(TensorRT|PyCUDA|GPU)', engine['runtime'])
        latency = client.readings(diagnostics, 'latency', 'filed', 'total p50 [ms]')
        assert {f'{stage} {name} [ms]' for stage in (
            'receive', 'wait', 'convert', 'resize', 'network', 'grouping', 'publish', 'total')
            for name in ('p50', 'p99', 'max')} <= set(latency)
        assert float(latency['network max [ms]']) <= float(latency['total max [ms]'])
        assert client.set_parameter('/filed', 'latency_limit', 1e-6)[0]
        client.wait(lambda: client.status(diagnostics, 'latency', 'filed').level
                    == DiagnosticStatus.WARN, 'latency warning')
        assert node.stop() == 0
        assert 'XML' not in node.output, 'Fast DDS complains about its profile'


def test_the_node_has_a_segment_of_its_own(domain, tiny_onnx):
    """As large as the profile says; Fast DDS names its maker nowhere, so the map is read."""
    program = ('from panoptic_ros.cli.panoptic_node import main; '
               f'main(["--ros-args", "-r", "__node:=segmented", "-p", "model:={tiny_onnx}"])')
    with Process([sys.executable, '-c', program], domain) as node:
        node.wait_for_output('waiting for images')
        sizes = []
        with open(f'/proc/{node.process.pid}/maps', encoding='utf-8') as maps:
            for line in maps:
                if '/dev/shm/fastrtps_' in line or '/dev/shm/fastdds_' in line:
                    start, end = (int(part, 16) for part in line.split()[0].split('-'))
                    sizes.append(end - start)
        assert max(sizes) >= 16 << 20, sizes
        assert node.stop(signal.SIGINT) == 0
        assert 'Error' not in node.output


@pytest.mark.skipif(not LARGEST_SOCKET.is_file() or int(LARGEST_SOCKET.read_text()) < 4 << 20,
                    reason='net.core.rmem_max gives a socket less than 4 MiB')
def test_a_best_effort_camera_with_the_defaults_loses_few_images(domain, client, tiny_onnx):
    """Over the shared memory that it has by default seven of eight would be lost."""
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    image = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    with start_node(domain, model=tiny_onnx, remap={'__ns': '/torn'}) as node:
        node.wait_for_output('waiting for images')
        publisher = client.publisher(Image, '/torn/image', BEST_EFFORT)
        for _ in range(20):
            publisher.publish(image_message(image, 'bgr8', client.header()))
            time.sleep(0.2)

        def received():
            status = client.status(diagnostics, 'frames', 'torn/panoptic_node')
            return int(next(v.value for v in status.values if v.key == 'received'))

        client.wait(lambda: received() >= 10, 'images of a best-effort camera')
        assert node.stop() == 0
