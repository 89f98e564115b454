import dataclasses
import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent import futures
from pathlib import Path

import engines
import numpy as np
import onnx
import pytest
import tiny_model

from panoptic_ros.engine import build
from panoptic_ros.engine.build import BuildCancelled, BuildOptions, build_engine
from panoptic_ros.engine.cache import PlanCache, default_folder
from panoptic_ros.engine.calibration import CalibrationImages
from panoptic_ros.engine.plan import PlanError, cubin_path, read_cubin, read_plan, sidecar_path

OPTIONS = BuildOptions('fp16')


@pytest.fixture
def kernels(tmp_path):
    folder = tmp_path / 'kernels'
    folder.mkdir()
    (folder / 'kernels.cu').write_text('// version 1')
    return folder


@pytest.fixture
def find(tmp_path, tiny_onnx, gpu, kernels):
    """Find or build in a cache; returns the path and what was logged."""
    cache = PlanCache(tmp_path / 'cache')

    def find(onnx=tiny_onnx, options=OPTIONS, gpu=gpu, **arguments):
        lines = []
        arguments = {'compile': lambda folder, target: b'\x7fELF ' + target.encode()} | arguments
        file = engines.read(onnx)
        path = cache.find_or_build(file, options, gpu, lines.append, kernels=kernels, **arguments)
        return path, lines

    return find


def expect_one_line(lines, path, reason):
    assert lines == [f'Building {path.name}: {reason}']


def test_built_once(rtx, find, tiny_onnx):
    path, lines = find()
    expect_one_line(lines, path, 'not built yet')
    before = path.stat()
    assert find() == (path, [])
    assert path.stat() == before
    _, info = read_plan(path)
    assert read_cubin(path) == b'\x7fELF sm_89'
    assert path.name == f'tiny-fp16-sm_89-{info.model_key[:8]}.plan'
    assert info.gpu == 'NVIDIA L4'
    assert info.onnx_sha256 == engines.read(tiny_onnx).sha256


def test_an_upgrade_of_tensorrt_is_told(tensorrt, find):
    tensorrt.__version__ = '10.3.0'
    path, _ = find()
    tensorrt.__version__ = '10.13.3.9'
    again, lines = find()
    assert again == path
    expect_one_line(lines, path, 'built by TensorRT 10.3.0, this is TensorRT 10.13.3.9')
    assert read_plan(path)[1].tensorrt == 'TensorRT 10.13.3.9'
    assert find() == (path, [])


def test_a_plan_of_another_machine_is_told(rtx, find, gpu):
    path, _ = find()
    other, _ = find(gpu=dataclasses.replace(gpu, name='NVIDIA RTX 4090'))
    assert other != path, 'the plans of two GPUs would drive each other out'
    assert find() == (path, [])
    for name in (lambda plan: plan, sidecar_path, cubin_path):
        shutil.copy(name(other), name(path))
    again, lines = find()
    assert again == path
    expect_one_line(lines, path, 'built for NVIDIA RTX 4090, this is NVIDIA L4')


def test_changed_kernels_are_told(rtx, find, kernels):
    path, _ = find()
    (kernels / 'kernels.cu').write_text('// version 2')
    again, [line] = find()
    assert again == path
    assert 'built with kernels ' in line


def damage_plan(path):
    path.write_bytes(path.read_bytes()[:-1])


def alter_plan(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def alter_sidecar(path):
    file = sidecar_path(path)
    file.write_text(json.dumps(json.loads(file.read_text()) | {'precision': 'fp32'}))


@pytest.mark.parametrize(('damage', 'reason'), [
    (damage_plan, 'is truncated or another file'), (alter_plan, 'was altered'),
    (alter_sidecar, 'was altered'), (Path.unlink, 'the plan is missing'),
    (lambda path: sidecar_path(path).unlink(), 'has no sidecar'),
    (lambda path: sidecar_path(path).write_text('{'), 'is not JSON'),
    (lambda path: cubin_path(path).write_bytes(b''), 'is truncated or another file'),
    (lambda path: cubin_path(path).unlink(), 'cannot be read')])
def test_a_damaged_plan_is_built_again(rtx, find, damage, reason):
    path, _ = find()
    damage(path)
    again, lines = find()
    assert again == path
    assert len(lines) == 1
    assert reason in lines[0]
    assert 'build it again' not in lines[0]
    assert find() == (path, [])


def test_models_of_one_architecture_do_not_collide(rtx, find, tmp_path, tiny_onnx):
    """Same file name, same shapes, other weights."""
    model = onnx.load(tiny_onnx)
    scale = next(w for w in model.graph.initializer if w.name == 'temperature')
    scale.CopyFrom(onnx.numpy_helper.from_array(
        onnx.numpy_helper.to_array(scale) * 2, 'temperature'))
    other = tmp_path / 'other' / 'tiny.onnx'
    other.parent.mkdir()
    other.write_bytes(model.SerializeToString())
    first, second = find()[0], find(other)[0]
    assert first != second
    assert find() == (first, [])
    assert find(other) == (second, [])


def test_other_options_are_other_plans(rtx, find):
    paths = {find(options=options)[0] for options in (
        OPTIONS, BuildOptions('fp32'), BuildOptions('fp16', batch=2),
        BuildOptions('fp16', batch=2, static_batch=True), BuildOptions('fp16', workspace=64),
        BuildOptions('fp16', 'sm_86'))}
    assert len(paths) == 6
    assert find(options=OPTIONS)[1] == []


def test_int8_is_found_without_its_images(rtx, find, monkeypatch):
    """Nothing is calibrated or built: only which images there were counts here."""
    monkeypatch.setattr(build, 'convert', lambda content, precision, images: content)
    monkeypatch.setattr(build, 'serialize', lambda *_: (b'a plan', 'as asked for'))
    first, other = (CalibrationImages((np.full((64, 128, 3), shade, np.uint8),))
                    for shade in (0, 1))
    options = BuildOptions('int8')
    path, _ = find(options=options, calibration=first)
    assert find(options=options) == (path, [])
    assert find(options=options, calibration=first) == (path, [])
    again, [line] = find(options=options, calibration=other)
    assert again == path
    assert 'built with calibration ' in line


def test_a_failed_build_keeps_nothing_and_the_next_one_works(rtx, find, tmp_path):
    def fail(folder, target):
        raise RuntimeError('no compiler')

    with pytest.raises(RuntimeError, match='no compiler'):
        find(compile=fail)
    with pytest.raises(BuildCancelled):
        find(cancelled=lambda: True)
    left = {p.suffix for p in (tmp_path / 'cache').iterdir()}
    assert left <= {'.lock', '.timings'}
    path, lines = find()
    expect_one_line(lines, path, 'not built yet')


def test_a_full_disk_is_told_before_a_build(rtx, find, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: shutil._ntuple_diskusage(9, 9, 100))
    with pytest.raises(OSError, match=r'cache has room for 100 bytes: expected \d+, as many'):
        find(compile=lambda *_: pytest.fail('it builds'))


def test_what_a_killed_process_left_is_removed(rtx, find, tmp_path):
    path, _ = find()
    path.unlink()
    partial = path.with_name(f'.{path.name}.4711.partial')
    partial.write_bytes(b'half')
    find()
    assert not partial.exists()


def test_the_second_waits_for_the_first(rtx, find):
    """Two at once: one builds, the other takes what it built."""
    entered, leave = threading.Event(), threading.Event()

    def slow(folder, target):
        entered.set()
        assert leave.wait(20)
        return b'\x7fELF'

    with futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(find, compile=slow)
        assert entered.wait(20)
        second = pool.submit(find)
        with pytest.raises(futures.TimeoutError):     # of its own before Python 3.11
            second.result(0.5)
        leave.set()
        path, lines = first.result(20)
        assert second.result(20) == (path, [])
    expect_one_line(lines, path, 'not built yet')


PROCESS = """
import sys
from pathlib import Path
from panoptic_ros.engine.build import BuildOptions
from panoptic_ros.engine.cache import PlanCache
from panoptic_ros.engine.onnx_file import OnnxFile
from panoptic_ros.pipelines.contract import contract

folder, onnx, kernels = map(Path, sys.argv[1:])
onnx = OnnxFile.read(onnx, contract)
path = PlanCache(folder).find_or_build(onnx, BuildOptions('fp16', 'sm_89'), kernels=kernels,
                                       compile=lambda folder, target: b'ELF' * 1000)
print(path.name)
"""


def test_processes_at_once(rtx, tmp_path, tiny_onnx, kernels):
    processes = [subprocess.Popen(
        [sys.executable, '-c', PROCESS, tmp_path / 'cache', tiny_onnx, kernels],
        stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate(timeout=60)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len({output[-1] for output in outputs}) == 1
    assert sum(len(output) - 1 for output in outputs) == 1, 'one of them built'
    path = tmp_path / 'cache' / outputs[0][-1]
    assert read_plan(path)
    assert read_cubin(path) == b'ELF' * 1000


def test_a_waiting_build_can_be_cancelled(rtx, find, tmp_path):
    path, _ = find()
    path.unlink()
    with path.with_suffix('.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        polls = []

        def cancelled():
            polls.append(None)
            return len(polls) > 2

        with pytest.raises(BuildCancelled):
            find(cancelled=cancelled)
    assert not path.exists()


def test_the_folder_is_ours_alone(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'xdg'))
    assert PlanCache().folder == tmp_path / 'xdg' / 'panoptic_ros'
    assert PlanCache().folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert default_folder() == tmp_path / '.cache' / 'panoptic_ros'


@pytest.mark.parametrize('mode', [0o707, 0o777])
def test_a_folder_that_others_may_write_is_refused(tmp_path, mode):
    folder = tmp_path / 'cache'
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(PlanError, match=rf'\(mode {mode:o}\), .* `chmod go-w .*cache`'):
        PlanCache(folder)
    folder.chmod(0o755)
    assert PlanCache(folder).folder == folder


def test_a_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, -1)
    else:
        monkeypatch.setattr(os, 'geteuid', lambda: 12345)
    with pytest.raises(PlanError, match=r'belongs to user .* `sudo chown'):
        PlanCache(tmp_path)


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    for folder in (tmp_path / 'file', tmp_path / 'file' / 'cache'):
        with pytest.raises(NotADirectoryError, match=r'cannot hold plans .*: remove the file'):
            PlanCache(folder)


def test_plans_carry_the_model_metadata(rtx, find):
    path, _ = find()
    assert read_plan(path)[1].metadata(path.name) == tiny_model.describe((64, 128))


def test_a_plan_written_elsewhere_is_the_same(rtx, find, tmp_path, tiny_onnx, gpu, kernels):
    """`--output` and the cache build alike: a fleet's plan, copied into the cache, is found."""
    path, _ = find()
    copy = tmp_path / 'copy.plan'
    built = build_engine(engines.read(tiny_onnx), copy, OPTIONS, kernels=kernels, gpu=gpu,
                         compile=lambda folder, target: b'\x7fELF sm_89')
    assert built.info.key == read_plan(path)[1].key
    for place in (lambda p: p, cubin_path, sidecar_path):
        place(path).write_bytes(place(copy).read_bytes())
    assert find() == (path, [])
