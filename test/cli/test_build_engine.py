import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
import tiny_model
from drive_bag import picture as bag_picture
from drive_bag import write as write_bag

from panoptic_ros.cli import build_engine as command
from panoptic_ros.device import compiler
from panoptic_ros.engine import build
from panoptic_ros.engine.calibration import CalibrationImages
from panoptic_ros.engine.fitting import fit
from panoptic_ros.engine.plan import read_cubin, read_plan
from panoptic_ros.resources import share_directory
from panoptic_ros.streets import Drive

STREETS = str(share_directory() / 'models' / 'streets.onnx')
SIZE = (512, 1024)

pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')

pytestmark = pytest.mark.build


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    """A cache of its own, TensorRT-RTX, and a compiler that takes no time."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'xdg'))
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'tensorrt_rtx')
    monkeypatch.setattr(compiler, 'compile_kernels', lambda folder, target, include: b'ELF')


def run(*arguments):
    command.main([str(argument) for argument in arguments])


def expect_failure(capsys, message, *arguments):
    with pytest.raises(SystemExit) as failure:
        run(*arguments)
    assert failure.value.code not in (0, None, 130)
    text = f'{failure.value.code} {capsys.readouterr().err}'
    assert message in text


def test_to_a_file(tmp_path, capsys, tiny_onnx):
    report = tmp_path / 'report.json'
    output = tmp_path / 'out' / 'tiny.plan'
    run(tiny_onnx, '--target', 'sm_89', '--batch', 4, '--output', output, '--json', report)
    plan, info = read_plan(output)
    said = ' '.join(capsys.readouterr().out.split())
    assert f'{output}: ' in said
    assert 'for any sm_89, target sm_89, by TensorRT-RTX' in said
    assert 'fp16: 3 of 3 convolutions in half precision; 1 to 4 images at once' in said
    data = json.loads(report.read_text())
    assert data['bytes'] == len(plan)
    assert data['batch'] == [1, 4, 4]
    assert data['key'] == info.key
    assert data['tensorrt'] == info.tensorrt
    assert not (tmp_path / 'xdg' / 'panoptic_ros').exists()


def test_into_the_cache(tmp_path, capsys, tiny_onnx):
    arguments = (tiny_onnx, '--target', 'sm_86', '--precision', 'fp32')
    run(*arguments)
    first = capsys.readouterr().out
    [plan] = (tmp_path / 'xdg' / 'panoptic_ros').glob('tiny-fp32-sm_86-*.plan')
    assert f'Building {plan.name}: not built yet' in ' '.join(first.split())
    run(*arguments)
    second = capsys.readouterr().out
    assert 'Building' not in second
    assert str(plan) in second.replace('\n', '')


def test_shipped_model_as_a_command(tmp_path):
    """With the real kernels, compiled by what this machine has."""
    output = tmp_path / 'streets.plan'
    done = subprocess.run(
        [sys.executable, '-m', 'panoptic_ros.cli.build_engine', STREETS, '--precision', 'fp16',
         '--target', 'sm_89', '--output', output], capture_output=True, text=True, timeout=120)
    if 'compiling kernels needs NVRTC' in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert 'fp16: 75 of 75 convolutions in half precision' in done.stdout
    assert read_plan(output)[1].target == 'sm_89'
    assert read_cubin(output).startswith(b'\x7fELF')


def test_int8_from_a_folder_of_pictures(tmp_path, capsys):
    drive = Drive(seed=7, size=SIZE)
    for number in range(3):
        cv2.imwrite(str(tmp_path / f'{number}.png'), drive.frame(number / 2)[0])
    output = tmp_path / 'streets.plan'
    run(STREETS, '--precision', 'int8', '--target', 'sm_89', '--calibrate', tmp_path,
        '--images', 2, '--output', output)
    assert '45 of 75 convolutions quantised' in ' '.join(capsys.readouterr().out.split())
    expected = CalibrationImages.from_folder(tmp_path, SIZE, 2).sha256
    assert read_plan(output)[1].options['calibration'] == expected


def test_int8_is_calibrated_with_padding_if_the_model_asks_for_it(tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(build, 'convert', lambda content, precision, images: (
        taken.extend(images), content)[1])
    monkeypatch.setattr(build, 'serialize', lambda *_: (b'a plan', 'as asked for'))
    padded = replace(tiny_model.describe((64, 128)), fit='pad', padding=(1, 2, 3))
    onnx = tiny_model.build(tmp_path / 'padded.onnx', metadata=padded.to_properties())
    square = np.full((96, 96, 3), 9, np.uint8)
    (tmp_path / 'pictures').mkdir()
    cv2.imwrite(str(tmp_path / 'pictures' / '0.png'), square)
    for source in (tmp_path / 'pictures', write_bag(tmp_path / 'drive')):
        run(onnx, '--precision', 'int8', '--target', 'sm_89', '--calibrate', source, '--images', 1,
            '--output', tmp_path / 'padded.plan')
    for image, given in zip(taken, (square, bag_picture(0)), strict=True):
        np.testing.assert_array_equal(image, fit(given, (64, 128), (1, 2, 3)))
        assert (image[:, 86:] == (1, 2, 3)).all()


@pytest.mark.parametrize('with_metadata', [True, False])
def test_int8_from_a_bag(tmp_path, monkeypatch, capsys, with_metadata):
    """The images that are taken; from a folder they are calibrated with, too."""
    taken = []
    monkeypatch.setattr(build, 'convert', lambda content, precision, images: (
        taken.extend(images), content)[1])
    monkeypatch.setattr(build, 'serialize', lambda *_: (b'a plan', 'as asked for'))
    from panoptic_ros.bags.frames import camera_frames
    from panoptic_ros.bags.reader import Bag
    bag = write_bag(tmp_path / 'drive')
    if not with_metadata:
        (bag / 'metadata.yaml').unlink()
    output = tmp_path / 'streets.plan'
    run(STREETS, '--precision', 'int8', '--target', 'sm_89', '--calibrate', bag, '--images', 3,
        '--output', output)
    assert ('has no metadata.yaml' in capsys.readouterr().err) is not with_metadata
    with Bag(bag) as opened:
        frames = [f.image for f in camera_frames(opened, opened.topic('/camera/image_raw'))]
    expected = CalibrationImages.from_images([frames[0], frames[6], frames[11]], SIZE)
    assert read_plan(output)[1].options['calibration'] == expected.sha256
    assert CalibrationImages(tuple(taken)).sha256 == expected.sha256


def test_what_is_wrong_is_said(tmp_path, capsys, tiny_onnx):
    output = ('--output', tmp_path / 'x.plan')
    target = ('--target', 'sm_89')
    wrong = tmp_path / 'wrong.onnx'
    wrong.write_bytes(b'no model')
    mute = tiny_model.build(tmp_path / 'mute.onnx', metadata={})
    for message, arguments in (
            ('no model file', (tmp_path / 'absent.onnx', *target)),
            ('wrong.onnx is not an ONNX model', (wrong, *target)),
            ('mute.onnx lacks the metadata network', (mute, *target)),
            ('builds for sm_75, sm_80, sm_86, sm_89, sm_120, sm_121 only',
             (tiny_onnx, '--target', 'sm_90')),
            ('expected a compute capability such as sm_89', (tiny_onnx, '--target', 'orin')),
            ('batch 0: expected at least 1', (tiny_onnx, *target, '--batch', 0)),
            ('int8 without calibration images', (tiny_onnx, *target, '--precision', 'int8')),
            ('of use with --precision int8 only', (tiny_onnx, *target, '--calibrate', tmp_path)),
            ('holds no pictures', (tiny_onnx, *target, '--precision', 'int8', '--calibrate',
                                   tmp_path)),
            ('no bag at', (tiny_onnx, *target, '--precision', 'int8', '--calibrate',
                           tmp_path / 'absent.mcap')),
            ('invalid choice', (tiny_onnx, *target, '--precision', 'fp8'))):
        expect_failure(capsys, message, *arguments, *output)
    assert not list(tmp_path.glob('*.plan*'))


@pytest.mark.parametrize('option', [
    ('--static-batch',), ('--workspace', 512), ('--optimization-level', 0), ('--dla', 0)])
def test_a_plan_that_the_node_would_not_find_needs_a_name(tmp_path, capsys, tiny_onnx, option):
    arguments = (tiny_onnx, '--target', 'sm_89', *option)
    expect_failure(capsys, f'{option[0]}: the node asks its cache for plans without', *arguments)
    if option[0] != '--dla':        # which TensorRT-RTX does not know
        run(*arguments, '--output', tmp_path / 'tiny.plan')


def test_other_ending_is_refused(capsys, tmp_path, tiny_onnx):
    expect_failure(capsys, 'expected a file that ends in .plan', tiny_onnx, '--target', 'sm_89',
                   '--output', tmp_path / 'tiny.engine')


def test_without_a_gpu_a_target_is_asked_for(capsys, monkeypatch, tiny_onnx):
    from panoptic_ros import device

    def fail():
        raise device.DeviceError('no NVIDIA driver')

    monkeypatch.setattr(device.Device, 'open', fail)
    expect_failure(capsys, 'no NVIDIA driver; without a GPU, name what to build for, such as '
                   '--target sm_89', tiny_onnx)


def test_this_gpu_is_given_back_before_building(capsys, monkeypatch, tmp_path, tiny_onnx):
    from panoptic_ros import device
    events = []

    class Open:
        name, target = 'NVIDIA L4', 'sm_89'

        def close(self):
            events.append('closed')

    monkeypatch.setattr(device.Device, 'open', Open)
    monkeypatch.setattr(compiler, 'compile_kernels',
                        lambda folder, target, include: events.append(target) or b'ELF')
    run(tiny_onnx, '--output', tmp_path / 'tiny.plan')
    assert events == ['closed', 'sm_89']
    assert read_plan(tmp_path / 'tiny.plan')[1].gpu == 'NVIDIA L4'


def test_interrupted_while_compiling(capsys, monkeypatch, tmp_path, tiny_onnx):
    def interrupted(folder, target, include):
        os.kill(os.getpid(), signal.SIGINT)
        return b'ELF'

    monkeypatch.setattr(compiler, 'compile_kernels', interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as ended:
        run(tiny_onnx, '--target', 'sm_89', '--output', tmp_path / 'tiny.plan')
    assert ended.value.code == 130
    assert 'interrupted, nothing was written' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGINT) is before


ENDLESS = """
import itertools, sys
from panoptic_ros.cli.build_engine import main
from panoptic_ros.engine.calibration import CalibrationImages


def images(self):
    print('calibrating', flush=True)
    return itertools.cycle(self.images)


CalibrationImages.__iter__ = images
main(sys.argv[1:])
"""


def test_interrupted_as_a_command(tmp_path):
    """Calibration that never ends: only Ctrl-C ends it."""
    pictures = tmp_path / 'pictures'
    pictures.mkdir()
    cv2.imwrite(str(pictures / '0.png'), Drive(seed=7, size=SIZE).frame(0.0)[0])
    output = tmp_path / 'out' / 'streets.plan'
    process = subprocess.Popen(
        [sys.executable, '-c', ENDLESS, STREETS, '--target', 'sm_89', '--precision', 'int8',
         '--calibrate', pictures, '--output', output],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == 'calibrating\n'
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert errors.strip().endswith('interrupted, nothing was written')
    assert not output.parent.exists()
