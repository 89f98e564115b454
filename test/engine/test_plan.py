import dataclasses
import errno
import json
import os

import pytest
import tiny_model

from panoptic_ros.engine import ModelError
from panoptic_ros.engine import plan as plans
from panoptic_ros.engine.plan import (
    PlanInfo,
    cubin_path,
    read_cubin,
    read_plan,
    sidecar_path,
    write_plan,
)

PLAN, CUBIN = bytes(range(256)) * 40, b'\x7fELF kernels'
INFO = PlanInfo(
    onnx_sha256='ab' * 32, tensorrt='TensorRT 10.13.3.9', gpu='NVIDIA L4', target='sm_89',
    precision='fp16', batch=(1, 2, 4), kernels_sha256='cd' * 32,
    properties=tiny_model.describe((64, 128)).to_properties(),
    options={'workspace': None, 'dla_core': None}, checked='fp16: 3 of 3', created='2026-11-24')


@pytest.fixture
def path(tmp_path):
    path = tmp_path / 'new' / 'model.plan'
    write_plan(path, PLAN, INFO, CUBIN)
    return path


def edit(path, **changes):
    """Change fields of a sidecar; None removes one."""
    file = sidecar_path(path)
    data = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({k: v for k, v in data.items() if v is not None}))


def test_what_is_written_is_read(path):
    assert read_plan(path) == (PLAN, INFO)
    assert read_cubin(path) == CUBIN
    assert sorted(p.name for p in path.parent.iterdir()) == [
        'model.cubin', 'model.plan', 'model.plan.json']


def test_the_model_metadata_is_in_the_sidecar(path):
    _, info = read_plan(path)
    assert info.metadata(str(path)) == tiny_model.describe((64, 128))


def test_missing_plan_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no plan file .*absent\.plan: build it again'):
        read_plan(tmp_path / 'absent.plan')


def test_truncated_plan_is_refused(path):
    path.write_bytes(PLAN[:-1])
    with pytest.raises(ModelError, match=r'truncated or another file: it has 10239 bytes, '
                       r'expected 10240'):
        read_plan(path)


def test_altered_plan_is_refused(path):
    path.write_bytes(PLAN[:-1] + b'\0')
    with pytest.raises(ModelError, match=r'model\.plan was altered: its sha256'):
        read_plan(path)


def test_altered_and_missing_kernels_are_refused(path):
    cubin_path(path).write_bytes(b'\x7fELF kernel?')
    with pytest.raises(ModelError, match=r'model\.cubin was altered'):
        read_cubin(path)
    cubin_path(path).unlink()
    with pytest.raises(ModelError, match=r'model\.cubin cannot be read .*build it again'):
        read_cubin(path)
    assert read_plan(path)[0] == PLAN


def test_plan_without_sidecar_is_refused(path):
    sidecar_path(path).unlink()
    with pytest.raises(ModelError, match=r'has no sidecar model\.plan\.json; copy the \.plan'):
        read_plan(path)


@pytest.mark.parametrize(('text', 'message'), [
    ('', r'model\.plan\.json is not JSON'), ('{"format": 1', 'is not JSON'),
    ('[1]', 'is a JSON list: expected an object'),
    ('{"format": 0}', 'has format 0: expected 1; it was written by another version'),
    ('{"format": 1, "gpu": "x"}', 'lacks onnx_sha256, tensorrt, target, precision, batch')])
def test_unreadable_sidecar_is_refused(path, text, message):
    sidecar_path(path).write_text(text)
    with pytest.raises(ModelError, match=message):
        read_plan(path)


def test_sidecar_that_is_no_text_is_refused(path):
    sidecar_path(path).write_bytes(b'\xff\xfe{')
    with pytest.raises(ModelError, match='cannot be read'):
        read_plan(path)


@pytest.mark.parametrize('field', [f.name for f in dataclasses.fields(PlanInfo)])
def test_every_missing_field_is_named(path, field):
    edit(path, **{field: None})
    with pytest.raises(ModelError, match=f'lacks {field}; build it again'):
        read_plan(path)


@pytest.mark.parametrize(('field', 'value', 'expected'), [
    ('batch', [1, 2], 'a list of 3'), ('batch', [4, 2, 1], 'rising'),
    ('batch', [0, 1, 1], '1 to 4096'), ('batch', '111', 'a list'),
    ('properties', {'a': 1}, 'a text'), ('options', [], 'keys and values'), ('gpu', 7, 'a text')])
def test_every_wrong_field_is_named(path, field, value, expected):
    edit(path, **{field: value})
    with pytest.raises(ModelError, match=rf'{field}\S* is .*expected .*{expected}'):
        read_plan(path)


def test_altered_field_is_refused(path):
    edit(path, precision='fp32')
    with pytest.raises(ModelError, match='was altered: key is'):
        read_plan(path)


@pytest.mark.parametrize('seal', [None, {}, {'bytes': 3}, 7])
def test_sidecar_that_vouches_for_nothing_is_refused(path, seal):
    edit(path, plan=seal)
    with pytest.raises(ModelError, match=r'does not vouch for model\.plan'):
        read_plan(path)


@pytest.mark.parametrize('step', range(6))
def test_a_crash_while_writing_leaves_the_old_or_nothing(path, monkeypatch, step):
    """Ended before each of the three files is flushed, and before each of the three renames."""
    calls = []

    def crash(original):
        def call(*arguments):
            if len(calls) == step:
                raise KeyboardInterrupt
            calls.append(original)
            return original(*arguments)
        return call

    monkeypatch.setattr(plans.os, 'fsync', crash(os.fsync))
    monkeypatch.setattr(plans.os, 'replace', crash(os.replace))
    newer = dataclasses.replace(INFO, precision='fp32')
    with pytest.raises(KeyboardInterrupt):
        write_plan(path, PLAN[::-1], newer, CUBIN[::-1])
    try:
        found = (*read_plan(path), read_cubin(path))
    except ModelError:
        found = None
    # From the first rename on, the old sidecar vouches for nothing that is there.
    assert found == ((PLAN, INFO, CUBIN) if step <= 3 else None)
    assert len(list(path.parent.iterdir())) == 3
    monkeypatch.undo()
    write_plan(path, PLAN[::-1], newer, CUBIN[::-1])
    assert read_plan(path) == (PLAN[::-1], newer)


def test_other_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r'model\.engine: expected a file that ends in \.plan'):
        write_plan(tmp_path / 'model.engine', PLAN, INFO, CUBIN)


@pytest.mark.parametrize(('changes', 'text'), [
    ({'tensorrt': 'TensorRT 10.3.0'}, 'built by TensorRT 10.3.0, this is TensorRT 10.13.3.9'),
    ({'gpu': 'Orin'}, 'built for Orin, this is NVIDIA L4'),
    ({'target': 'sm_87'}, 'built for sm_87, this is sm_89'),
    ({'onnx_sha256': 'ef' * 32}, 'built from an ONNX file efefefef..., this is abababab...'),
    ({'kernels_sha256': 'ef' * 32}, 'built with kernels efefefef..., these are cdcdcdcd...'),
    ({'precision': 'int8'}, 'built with precision int8, asked for is fp16'),
    ({'batch': (1, 1, 1)}, r'built with batch (1, 1, 1), asked for is (1, 2, 4)'),
    ({'options': {'workspace': 64, 'dla_core': None}},
     'built with workspace 64, asked for is None')])
def test_the_first_difference_is_told(changes, text):
    old = dataclasses.replace(INFO, **changes)
    assert old.difference(INFO) == text
    assert old.key != INFO.key


def test_when_and_what_was_checked_make_no_difference():
    other = dataclasses.replace(INFO, created='later', checked='')
    assert other.difference(INFO) is None
    assert other.key == INFO.key


def test_a_full_disk_is_told_with_the_room_that_a_plan_needs(path, monkeypatch):
    def fill(file, content):
        file.write_bytes(content[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(plans, 'write_private', fill)
    with pytest.raises(OSError, match=r'model\.plan cannot be written \(No space left on '
                       r'device\): expected room for \d+ bytes; free some'):
        write_plan(path, PLAN, INFO, CUBIN)
    assert not list(path.parent.glob('.*'))
    assert read_plan(path) == (PLAN, INFO)
