"""config/panoptic_node.service: what systemd makes of it, and what its commands do."""

import configparser
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from panoptic_ros.resources import share_directory

UNIT = share_directory() / 'config' / 'panoptic_node.service'


class Unit(configparser.RawConfigParser):
    """The unit; what is commented out is told by another name."""

    def __init__(self, text: str) -> None:
        super().__init__(delimiters='=')
        self.read_string(text.replace('# ExecStart=', 'LaunchStart='))

    def optionxform(self, option: str) -> str:
        return option

    @property
    def service(self) -> configparser.SectionProxy:
        return self['Service']


@pytest.fixture
def installed(tmp_path):
    """The unit with the paths of a workspace whose node runs under the tests' interpreter."""
    prefix = tmp_path / 'ws/install/panoptic_ros'
    node = prefix / 'lib/panoptic_ros/panoptic_node'
    node.parent.mkdir(parents=True)
    node.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} '
                    '-m panoptic_ros.cli.panoptic_node "$@"\n')
    node.chmod(0o755)
    (prefix / 'share').mkdir()
    (prefix / 'share/panoptic_ros').symlink_to(share_directory())
    for setup in (tmp_path / 'ros/jazzy/setup.bash', tmp_path / 'ws/install/setup.bash'):
        setup.parent.mkdir(parents=True, exist_ok=True)
        setup.write_text('')
    return re.sub(r'/opt/(ros|ws)/', rf'{tmp_path}/\1/', UNIT.read_text())


def test_a_stop_reaches_every_process_and_a_failure_is_repaired():
    service = Unit(UNIT.read_text()).service
    assert service['KillMode'] == 'control-group'
    assert service['Restart'] == 'on-failure'
    assert service['RestartPreventExitStatus'] == '2'
    for name in ('ExecStart', 'LaunchStart'):
        shell, option, line = shlex.split(service[name])
        assert (shell, option) == ('/bin/bash', '-c')
        assert '&& exec ' in line, 'the shell would stay between systemd and the node'
        assert 'required:=true' in line


@pytest.mark.skipif(shutil.which('systemd-analyze') is None, reason='systemd is not installed')
def test_systemd_takes_it(tmp_path, installed):
    def complaints(text: str) -> list[str]:
        unit = tmp_path / UNIT.name
        unit.write_text(text)
        done = subprocess.run(['systemd-analyze', 'verify', '--man=no', unit],
                              capture_output=True, text=True)
        return [line for line in (done.stdout + done.stderr).splitlines() if UNIT.name in line]

    assert not complaints(installed)
    assert complaints(installed.replace('control-group', 'everything')), 'it finds nothing at all'
    assert complaints(installed.replace('/bin/bash', '/bin/nothing')), 'it finds nothing at all'


@pytest.mark.ros
@pytest.mark.parametrize(('model', 'code'), [('{tiny}', 0), ('/nowhere.onnx', 1)])
def test_the_command_is_the_node_itself_and_nothing_is_left_of_it(
        tmp_path, tiny_onnx, installed, model, code):
    pytest.importorskip('vision_msgs')
    from panoptic_ros.demo.domain import private_domain
    command = shlex.split(Unit(installed).service['ExecStart'])
    command[-1] += f' -p model:={model.format(tiny=tiny_onnx)}'
    log = tmp_path / 'log'
    with private_domain() as domain, log.open('w') as output:
        node = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT,
                                start_new_session=True,
                                env={**os.environ, 'ROS_DOMAIN_ID': str(domain)})
        try:
            if code == 0:
                _wait(lambda: 'waiting for images on /front/image_raw' in log.read_text(), log)
                assert Path(f'/proc/{node.pid}/cmdline').read_bytes().startswith(
                    os.fsencode(sys.executable)), 'the main process is the shell'
                os.killpg(node.pid, signal.SIGTERM)     # as systemd does, to all of the group
            assert node.wait(60) == code, log.read_text()
            _wait(lambda: not _group(node.pid), log)
        finally:
            if _group(node.pid):
                os.killpg(node.pid, signal.SIGKILL)
            node.wait()


def _wait(condition, log: Path) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def _group(number: int) -> bool:
    """Whether a process of a group is alive."""
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True
