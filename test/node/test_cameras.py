"""Several cameras in one node: each its own topics, sizes, encodings and transports."""

import numpy as np
import pytest
import tiny_model
from ros_harness import LATCHED, compressed_message, image_message, pixels_of, start_node
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from panoptic_ros import Segmenter

pytestmark = pytest.mark.ros

SCENES = {'front': tiny_model.scene(), 'left': tiny_model.scene((96, 200)),
          'rear': tiny_model.scene((128, 256))}


@pytest.fixture(scope='module')
def cameras(domain, tiny_onnx):
    with start_node(domain, model=tiny_onnx, cameras='[front, left, rear/compressed]',
                    remap={'__node': 'many', '__ns': '/car'}) as node:
        node.wait_for_output('waiting for images on /car/front/image, /car/left/image, '
                             '/car/rear/image/compressed')
        yield node
        assert node.stop() == 0, node.output


def message_of(name, client):
    if name == 'rear':
        return compressed_message(SCENES[name], 'png', client.header()), '/compressed'
    encoding = {'front': 'bgr8', 'left': 'rgb8'}[name]
    pixels = SCENES[name] if encoding == 'bgr8' else SCENES[name][..., ::-1]
    return image_message(pixels, encoding, client.header()), ''


def test_each_camera_has_its_own_topics(client, cameras, tiny_onnx):
    segmenter = Segmenter.open(tiny_onnx)
    for name, scene in SCENES.items():
        labels = client.subscribe(Image, f'/car/many/{name}/panoptic')
        objects = client.subscribe(Detection2DArray, f'/car/many/{name}/objects')
        info = client.subscribe(LabelInfo, f'/car/many/{name}/label_info', LATCHED)
        message, suffix = message_of(name, client)
        answer = client.exchange(message, f'/car/{name}/image{suffix}', labels)
        expected = segmenter(scene)
        assert (pixels_of(answer) == expected.labels).all()
        found = objects.wait(lambda m, header=message.header: m.header == header)
        assert len(found.detections) == len(expected.things)
        assert info.wait(lambda m: m.class_map)


def test_under_overload_every_camera_has_its_share(client, cameras):
    """Two cameras send as fast as they can; frames are dropped, but from both alike."""
    collected = {name: client.subscribe(Image, f'/car/many/{name}/panoptic')
                 for name in ('front', 'left')}
    publishers = {name: client.publisher(Image, f'/car/{name}/image') for name in collected}
    messages = {name: message_of(name, client)[0] for name in collected}

    def flood():
        for name, publisher in publishers.items():
            for _ in range(3):
                publisher.publish(messages[name])
        return min(map(len, collected.values())) >= 40

    client.wait(flood, 'forty answers for each camera')
    counts = np.array([len(answers) for answers in collected.values()])
    assert counts.min() > 0.5 * counts.max(), counts


def test_cameras_change_between_cleanup_and_configure(domain, client, tiny_onnx):
    with start_node(domain, model=tiny_onnx, remap={'__node': 'changing'},
                    cameras='[front]') as node:
        node.wait_for_output('waiting for images on /front/image')
        taken, reason = client.set_parameter('/changing', 'cameras', ['left', 'rear'])
        assert not taken
        assert 'cannot change while the node is configured' in reason
        assert client.change_state('/changing', 'deactivate')
        assert client.change_state('/changing', 'cleanup')
        client.wait(lambda: not client.node.count_publishers('/changing/front/panoptic'),
                    'end of the old topics')
        assert client.set_parameter('/changing', 'cameras', ['left', 'rear'])[0]
        assert client.change_state('/changing', 'configure')
        assert client.change_state('/changing', 'activate')
        labels = client.subscribe(Image, '/changing/rear/panoptic')
        client.exchange(image_message(SCENES['rear'], 'bgr8', client.header()), '/rear/image',
                        labels)
        assert node.stop() == 0


def test_names_that_no_topic_can_have_are_refused(domain):
    with start_node(domain, remap={'__node': 'misnamed'}, cameras="['front left']") as node:
        assert node.process.wait(60) == 2
        node.wait_for_output("cameras has 'front left': expected different names")
