from types import SimpleNamespace

import pytest
from ros_harness import Client, start_node

from panoptic_ros import LabelSpace
from panoptic_ros.demo.domain import private_domain

CAMERA = '/front/image_raw'


@pytest.fixture(scope='session')
def domain():
    with private_domain() as number:
        yield number


@pytest.fixture(scope='session')
def session_client(domain):
    client = Client(domain)
    yield client
    client.close()


@pytest.fixture
def client(session_client):
    """A client that has no subscription left over from another test."""
    yield session_client
    session_client.unsubscribe_all()


@pytest.fixture(scope='session')
def node(domain, tiny_onnx):
    """
    The node as most tests need it: one process for all, active, with the tiny model.

    It does not track, so that its labels are those of the segmenter whatever came before.
    """
    with start_node(domain, model=tiny_onnx, tracking=False, remap={'image': CAMERA}) as node:
        node.wait_for_output('waiting for images')
        yield node
        assert node.stop() == 0, node.output


@pytest.fixture
def camera(node):
    return CAMERA


@pytest.fixture(scope='session')
def faulty(domain, tiny_onnx):
    """A node of two cameras, raw and compressed, for the tests that send what is wrong."""
    with start_node(domain, model=tiny_onnx, cameras='[front, rear/compressed]',
                    stall_timeout=60.0, tracking=False,
                    remap={'__ns': '/faulty', '__node': 'node'}) as node:
        node.wait_for_output('waiting for images on /faulty/front/image')
        yield node
        assert node.stop() == 0, node.output
        assert 'Traceback' not in node.output


class Outputs:
    """What a camera publishes, without a node."""

    wants_confidence = False

    def __init__(self):
        self.published = []

    def publish(self, header, panoptic):
        self.published.append((header, panoptic))

    def draw(self, header, image, panoptic, settings):
        return ()

    def destroy(self):
        pass


@pytest.fixture
def logged():
    """The lines of the cameras' log."""
    return []


@pytest.fixture
def make_camera(logged):
    """A function that makes a camera whose subscription and outputs are doubles."""
    from panoptic_ros.node.camera import Camera
    from panoptic_ros.node.mailbox import Mailbox
    from panoptic_ros.node.mishaps import ThrottledLog
    from panoptic_ros.tracking import Tracker
    log = ThrottledLog(SimpleNamespace(error=logged.append))
    clock = SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=1005 * 10**9))
    cameras = []

    def make(name='', transport='raw'):
        subscription = SimpleNamespace(transport=transport,
                                       topic=SimpleNamespace(name=f'/{name}image'))
        mailbox = Mailbox()
        camera = Camera(name, subscription, Outputs(), Tracker(LabelSpace.load('cityscapes')),
                        mailbox, clock, log)
        camera.mailbox = mailbox
        cameras.append(camera)
        return camera

    yield make
    for camera in cameras:
        camera.close()
