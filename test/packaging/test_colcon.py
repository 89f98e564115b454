"""The package as colcon builds and installs it, away from the checkout."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.build

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ('config', 'launch', 'models', 'panoptic_ros', 'resource', 'package.xml', 'setup.cfg',
           'setup.py')


@pytest.fixture(scope='module')
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter, by a path without spaces: colcon's scripts and a shebang take no others."""
    if ' ' not in sys.executable:
        return Path(sys.executable)
    prefix = tmp_path_factory.mktemp('python') / 'prefix'
    prefix.symlink_to(sys.prefix)
    return prefix / Path(sys.executable).relative_to(sys.prefix)


@pytest.fixture(scope='module')
def workspace(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Path:
    """A workspace that holds a copy of the package, built."""
    pytest.importorskip('colcon_core')
    folder = tmp_path_factory.mktemp('workspace')
    package = folder / 'src' / 'panoptic_ros'
    package.mkdir(parents=True)
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, package / name,
                            ignore=shutil.ignore_patterns('__pycache__'))
        elif source.exists():
            shutil.copy2(source, package)
    done = subprocess.run([python, '-m', 'colcon', '--log-base', 'log', 'build'],
                          cwd=folder, env=_environment(python), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    _give_compiled_kernels(next(folder.glob('install/panoptic_ros/lib/python3*/site-packages')))
    return folder


def _give_compiled_kernels(installed: Path) -> None:
    """Spare the installed node what the checkout has compiled; the sources are copies, as old."""
    for kept in (ROOT / 'panoptic_ros').rglob('__pycache__/*.sealed.*'):
        copy = installed / kept.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy2(kept, copy)


def _environment(python: Path) -> dict[str, str]:
    """The caller's, with the interpreter's own scripts first."""
    path = f'{python.parent}{os.pathsep}{os.environ["PATH"]}'
    return {**os.environ, 'PATH': path}


def _sourced(workspace: Path, command: str) -> list[str]:
    return ['bash', '-c', f'source install/setup.bash && {command}']


def test_marker_and_shared_files_are_installed(workspace):
    share = workspace / 'install/panoptic_ros/share'
    assert (share / 'ament_index/resource_index/packages/panoptic_ros').is_file()
    for name in ('package.xml', 'config/labels/cityscapes.yaml'):
        assert (share / 'panoptic_ros' / name).is_file(), name
    for folder in ('config', 'launch', 'models'):
        expected = {path.name for path in (ROOT / folder).glob('*.*')}
        installed = {path.name for path in (share / 'panoptic_ros' / folder).glob('*.*')}
        assert expected <= installed, folder


def test_every_executable_is_where_ros2_run_looks(workspace):
    from importlib.metadata import distribution
    lib = workspace / 'install/panoptic_ros/lib'
    site = next(lib.glob('python3*/site-packages/panoptic_ros-*'))
    scripts = [entry.name for entry in distribution('panoptic_ros').entry_points]
    assert scripts
    assert site.is_dir()
    for name in scripts:
        script = lib / 'panoptic_ros' / name
        assert os.access(script, os.X_OK), name


def test_the_installed_copy_runs_on_its_own_files(workspace, python):
    code = ('import panoptic_ros.resources as r; from panoptic_ros import LabelSpace; '
            'print(r.__file__); print(r.share_directory()); print(LabelSpace.load("cityscapes"))')
    done = subprocess.run(_sourced(workspace, f"python -c '{code}'"), cwd=workspace,
                          env=_environment(python), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    module, share, space = done.stdout.splitlines()
    assert Path(module).is_relative_to(workspace / 'install')
    assert Path(share) == workspace / 'install/panoptic_ros/share/panoptic_ros'
    assert 'bicycle' in space


def test_an_installed_command_explains_itself(workspace, python):
    done = subprocess.run(
        _sourced(workspace, 'install/panoptic_ros/lib/panoptic_ros/benchmark --help'),
        cwd=workspace, env=_environment(python), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'usage: benchmark' in done.stdout


@pytest.mark.ros
def test_the_installed_node_runs_and_ends_when_interrupted(workspace, python, tiny_onnx):
    pytest.importorskip('vision_msgs')
    from panoptic_ros.demo.domain import private_domain
    with private_domain() as domain:
        log = workspace / 'node.log'
        with log.open('w') as output:
            node = subprocess.Popen(
                _sourced(workspace, 'exec install/panoptic_ros/lib/panoptic_ros/panoptic_node '
                         f'--ros-args -p model:={tiny_onnx}'), cwd=workspace, stdout=output,
                stderr=subprocess.STDOUT,
                env={**_environment(python), 'ROS_DOMAIN_ID': str(domain)})
        try:
            deadline = time.monotonic() + 60
            while 'waiting for images' not in log.read_text():
                assert node.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            command = Path(f'/proc/{node.pid}/cmdline').read_bytes()
            assert b'install/panoptic_ros/lib/panoptic_ros/panoptic_node' in command
            node.send_signal(signal.SIGINT)
            assert node.wait(timeout=20) == 0
        finally:
            node.kill()
            node.wait()
