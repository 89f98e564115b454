"""The node's process: what it is started with."""

import re

import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from ros_harness import image_message, start_node
from sensor_msgs.msg import Image

from panoptic_ros.resources import share_directory

pytestmark = pytest.mark.ros

SCENE = tiny_model.scene()


def values(status):
    return {value.key: value.value for value in status.values}


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
        engine = values(client.status(diagnostics, 'engine', 'filed'))
        assert engine['model'] == str(tiny_onnx)
        assert engine['label space'] == 'cityscapes'
        assert engine['label divisor'] == '1000'
        assert engine['input'] == '128x64'
        assert (engine['GPU'], engine['precision']) == ('none', 'of the model')
        memory = values(client.status(diagnostics, 'memory', 'filed'))
        assert float(memory['resident [MB]']) <= float(memory['peak resident [MB]']) * 1.1
        assert float(engine['load time [s]']) > 0
        assert re.match(r'CPU \(ONNX Runtime .*\): .*(TensorRT|PyCUDA|GPU)', engine['runtime'])
        latency = client.wait(lambda: (v := values(client.status(
            diagnostics, 'latency', 'filed'))) and 'total p50 [ms]' in v and v, 'latency')
        assert {f'{stage} {name} [ms]' for stage in (
            'receive', 'wait', 'convert', 'resize', 'network', 'grouping', 'publish', 'total')
            for name in ('p50', 'p99', 'max')} <= set(latency)
        assert float(latency['network max [ms]']) <= float(latency['total max [ms]'])
        assert client.set_parameter('/filed', 'latency_limit', 1e-6)[0]
        client.wait(lambda: client.status(diagnostics, 'latency', 'filed').level
                    == DiagnosticStatus.WARN, 'latency warning')
        assert node.stop() == 0
        assert 'XML' not in node.output, 'Fast DDS complains about its profile'
