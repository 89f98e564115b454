"""The memory of the process, and what is set up so that megabytes travel fast."""

import shutil
from mmap import mmap
from types import SimpleNamespace

import pytest

from panoptic_ros import memory
from panoptic_ros.memory import Memory, Surplus, read_memory
from panoptic_ros.resources import share_directory

PROFILE = str(share_directory() / 'config' / 'fastdds_node.xml')
LARGE, SMALL = 200 << 20, 6 << 20


def test_memory_of_this_process():
    size = 64 << 20
    before = read_memory()
    with mmap(-1, size) as block:       # pages of its own: the allocator may have some to reuse
        block.write(bytes(size))
        after = read_memory()
    assert after.resident - before.resident > size * 0.75
    assert after.peak >= after.resident * 0.9
    assert size < after.available < after.total


@pytest.mark.parametrize('text', ['', 'nothing to read'])
def test_a_system_that_tells_nothing(tmp_path, text):
    (tmp_path / 'self').mkdir()
    for name in ('meminfo', 'self/statm'):
        if text:
            (tmp_path / name).write_text(text)
    found = read_memory(tmp_path)
    assert found == Memory(None, found.peak, None, None)


@pytest.fixture
def given():
    return []


@pytest.fixture
def surplus(given):
    return Surplus(lambda: given.append(True))


def look(surplus, sizes, start):
    for second, size in enumerate(sizes):
        surplus.look(size, start + second)


@pytest.mark.parametrize('after', [SMALL, 0])
def test_memory_is_given_back_once_when_large_images_have_ended(surplus, given, after):
    look(surplus, [LARGE] * 20, 0)
    look(surplus, [after] * 10, 20)
    assert not given
    look(surplus, [after] * 60, 30)
    assert given == [True]
    look(surplus, [LARGE] + [after] * 20, 100)
    assert given == [True] * 2


@pytest.mark.parametrize('sizes', [
    [LARGE, 0, 0, 0, 0] * 20,       # seldom, but they come
    [SMALL] * 20 + [0] * 60,        # as any camera has them
    [LARGE] * 20 + [LARGE // 3] * 60])
def test_what_the_next_image_needs_is_kept(surplus, given, sizes):
    look(surplus, sizes, 0)
    assert not given


@pytest.fixture
def free(monkeypatch, tmp_path):
    """Bytes that shared memory has left, in a working directory without profiles."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(memory, '_SHARED_MEMORY', tmp_path)
    space = SimpleNamespace(free=1 << 30)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: space)
    return space


def test_the_shipped_profile_is_taken_by_itself(free):
    environment = {'FASTRTPS_DEFAULT_PROFILES_FILE': ''}
    assert memory.use_large_buffers(environment)
    assert environment == dict.fromkeys(memory.PROFILE_VARIABLES, PROFILE)


@pytest.mark.parametrize('name', [
    'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE',
    'FASTDDS_BUILTIN_TRANSPORTS', 'ROS_DISCOVERY_SERVER'])
def test_what_the_user_chose_stays(free, name):
    environment = {name: 'mine'}
    assert not memory.use_large_buffers(environment)
    assert environment == {name: 'mine'}


def test_a_profile_in_the_working_directory_stays(free, tmp_path):
    (tmp_path / 'DEFAULT_FASTDDS_PROFILES.xml').touch()
    assert not memory.use_large_buffers({})


def test_shared_memory_that_is_nearly_full_is_left_to_others(free):
    free.free = 32 << 20
    environment = {}
    assert not memory.use_large_buffers(environment)
    assert not environment


def test_without_shared_memory_nothing_is_done(free, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, '_SHARED_MEMORY', tmp_path / 'absent')
    assert not memory.use_large_buffers({})
