"""Every command where streams, working directory or home are not as they should be."""

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

COMMANDS = sorted(entry.name for entry in distribution('panoptic_ros').entry_points)
SOME = ['panoptic_node', 'segment', 'train']
"""One function sees to the streams of all commands; whether all go through it is tried once."""
HOMELESS = """
import os, pwd, runpy, sys
os.environ.pop('HOME', None)
def unknown(who):
    raise KeyError(who)
pwd.getpwuid = pwd.getpwnam = unknown
runpy.run_module(f'panoptic_ros.cli.{sys.argv.pop(1)}', run_name='__main__', alter_sys=True)
"""
MODEL = Path(__file__).parents[2] / 'models/streets.onnx'


def run(command: str, *words: object, redirect: str = '', **environment: str):
    """Run a command with some of its streams redirected as a shell does it."""
    line = ' '.join([sys.executable, '-m', f'panoptic_ros.cli.{command}', *map(str, words)])
    return subprocess.run(['sh', '-c', f'exec {line} {redirect}'], capture_output=True,
                          env={**os.environ, **environment}, timeout=300)


def homeless(command: str, *words: object):
    return subprocess.run([sys.executable, '-c', HOMELESS, command, *map(str, words)],
                          capture_output=True, text=True, timeout=300)


@pytest.mark.slow      # all of them together
@pytest.mark.parametrize('command', COMMANDS)
def test_closed_input_and_output_are_said_and_survived(command):
    done = run(command, '--help', redirect='<&- >&-')
    assert done.returncode == 0
    assert done.stderr.decode() == (
        f'{command}: standard output is closed and nothing that is printed is kept: give it a '
        'place, as in `> FILE`\n')


@pytest.mark.slow      # all of them together
@pytest.mark.parametrize('command', SOME)
def test_a_closed_error_stream_and_an_output_of_ascii_are_survived(command):
    done = run(command, '--help', redirect='2>&-', PYTHONIOENCODING='ascii', LC_ALL='C')
    assert done.returncode == 0
    assert f'usage: {command} ' in done.stdout.decode('ascii')


@pytest.mark.slow      # all of them together
@pytest.mark.parametrize('command', SOME)
def test_a_deleted_working_directory_is_named(command, tmp_path):
    gone = tmp_path / 'gone'
    gone.mkdir()
    done = subprocess.run(
        ['sh', '-c', f'rmdir {gone}; exec {sys.executable} -m panoptic_ros.cli.{command} --help'],
        cwd=gone, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (f'{command}: the working directory was deleted: change to one that is '
                           'there, as in `cd /`\n')


def test_no_command_loads_a_large_library_before_it_is_needed():
    """A machine on the road has none of them, and `--help` is to be quick where they are."""
    script = (
        'import sys\nfrom importlib import import_module\n'
        f'for command in {COMMANDS}:\n'
        '    import_module(f"panoptic_ros.cli.{command}")\n'
        '    print(command, *[name for name in ("torch", "transformers", "scipy", "tensorrt", '
        '"pycuda") if name in sys.modules])')
    done = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True)
    assert done.stdout.splitlines() == COMMANDS, done.stderr


@pytest.mark.slow
def test_no_file_takes_the_number_of_a_closed_stream(tmp_path):
    """What is printed by a library would otherwise be written into it."""
    sheet = tmp_path / 'sheet.png'
    assert run('streets', '--size', '32x64', '--sheet', sheet, redirect='<&- >&- 2>&-',
               ).returncode == 0
    import cv2
    assert cv2.imread(str(sheet)).shape == (320, 1280, 3)


@pytest.mark.slow
def test_tables_are_drawn_in_what_the_output_takes(tmp_path):
    done = run('streets', '--size', '32x64', '--sheet', tmp_path / 'sheet.png', COLUMNS='20',
               PYTHONIOENCODING='ascii', LC_ALL='C')
    assert done.returncode == 0, done.stderr
    table = done.stdout.decode('ascii')
    assert '+--' in table
    assert '?' in table, 'an ellipsis stands for what is cut off'


@pytest.mark.slow
@pytest.mark.skipif(not Path('/dev/full').exists(), reason='there is no /dev/full')
@pytest.mark.parametrize(('unbuffered', 'line'), [
    ('', 'standard output takes no more: No space left on device'),
    ('1', '[Errno 28] No space left on device')])
def test_an_output_that_is_full_is_named(unbuffered, line, tmp_path):
    done = run('streets', '--size', '32x64', '--sheet', tmp_path / 'sheet.png',
               redirect='> /dev/full', PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert done.stderr.decode() == f'streets: {line}\n'


@pytest.mark.parametrize(('command', 'words', 'path'), [
    ('build_engine', ['~/x.onnx', '--target', 'sm_89'], '~/x.onnx'),
    ('build_engine', [MODEL, '--target', 'sm_89'], '~/.cache'),
    ('segment', ['x', '-o', 'y', '--model', '~/x.onnx'], '~/x.onnx'),
    ('evaluate', ['--streets', '1', '--model', '~/x.onnx'], '~/x.onnx'),
    ('benchmark', ['segmenter', '--model', '~/x.onnx'], '~/x.onnx')])
def test_without_a_home_a_path_in_it_is_refused_in_one_line(command, words, path):
    done = homeless(command, *words)
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1] == (
        f"{command}: '{path}': this user has no home directory: set HOME, or write the whole path")
    assert 'Traceback' not in done.stderr


@pytest.mark.ros
@pytest.mark.parametrize(('command', 'words', 'code', 'line'), [
    ('panoptic_node', [], 2, 'cannot start: '), ('replay', ['BAG'], 1, 'replay: ')])
def test_ros_without_a_home_says_what_it_looks_for(command, words, code, line, monkeypatch,
                                                   tmp_path):
    pytest.importorskip('rclpy')
    for name in ('ROS_HOME', 'ROS_LOG_DIR'):
        monkeypatch.delenv(name, raising=False)
    if words:
        pytest.importorskip('rosbags')
        from drive_bag import write
        words = [write(tmp_path / 'bag')]
    done = homeless(command, *words)
    assert done.returncode == code, done.stderr
    assert done.stderr.splitlines()[-1].endswith(
        f'{line}ROS has no folder for its log: set HOME, ROS_HOME or ROS_LOG_DIR')
    assert 'Traceback' not in done.stderr


def test_a_home_that_only_the_list_of_users_knows_is_found(monkeypatch):
    """Services of the system have no HOME, where alone ROS looks for it."""
    import pwd

    from panoptic_ros.cli.command import command
    monkeypatch.delenv('HOME')
    homes = []
    command(lambda: homes.append(os.environ['HOME']))()
    assert homes == [pwd.getpwuid(os.getuid()).pw_dir]
