"""What a running node sends, to whom, and what it writes: DDS and nothing else."""

import ipaddress
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_model
from ros_harness import PATIENCE, Process, image_message, pixels_of
from sensor_msgs.msg import Image

from panoptic_ros import Segmenter

pytestmark = [pytest.mark.ros, pytest.mark.slow]

LONG_ENOUGH = 13.0
"""Seconds; ONNX Runtime's first look-up comes 9 s after a model loads."""
STRACE = ['strace', '-f', '-qq', '-e', 'trace=connect,sendto,sendmsg,sendmmsg']


@pytest.fixture
def strace():
    if shutil.which('strace') is None or subprocess.run(
            [*STRACE, '-o', '/dev/null', 'true'], capture_output=True).returncode:
        pytest.skip('system calls are watched with strace')
    return STRACE


def test_the_node_speaks_dds_alone(strace, client, domain, tiny_onnx, tmp_path, monkeypatch):
    home, trace = tmp_path / 'home', tmp_path / 'trace'
    home.mkdir()
    for name in ('ORT_DISABLE_TELEMETRY', 'XDG_CACHE_HOME'):
        monkeypatch.delenv(name, raising=False)
    with Process([*strace, '-o', str(trace), sys.executable, '-m',
                  'panoptic_ros.cli.panoptic_node', '--ros-args', '-r', '__node:=quiet',
                  '-r', 'image:=/quiet/image', '-p', f'model:={tiny_onnx}',
                  '-p', 'tracking:=false'], domain, HOME=str(home)) as node:
        node.wait_for_output('waiting for images')
        loaded = time.monotonic()
        labels = client.subscribe(Image, '/quiet/panoptic')
        answer = client.exchange(image_message(tiny_model.scene(), 'bgr8', client.header()),
                                 '/quiet/image', labels)
        expected = Segmenter.open(tiny_onnx)(tiny_model.scene()).labels
        assert np.array_equal(pixels_of(answer), expected)
        time.sleep(max(0.0, loaded + LONG_ENOUGH - time.monotonic()))
        # strace itself does not heed signals while the node runs
        watcher = node.process.pid
        os.kill(int(Path(f'/proc/{watcher}/task/{watcher}/children').read_text()), signal.SIGINT)
        assert node.process.wait(PATIENCE) == 0
    assert not list(home.rglob('*'))
    addressed = {(int(port), ipaddress.ip_address(address)) for port, address in re.findall(
        r'htons\((\d+)\).*?inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"', trace.read_text())}
    assert addressed, 'not even DDS was seen'
    assert 53 not in {port for port, _ in addressed}, 'a name was looked up'
    assert not [address for _, address in addressed if address.is_global], 'beyond this machine'
