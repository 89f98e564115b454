"""numba's cache on disk: damaged, somebody else's, full or absent, it never stops a kernel."""

import errno
import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path

import kept_kernels
import numba
import numba.core.caching
import pytest

from panoptic_ros.segments import kernel_cache

SOURCE = """
from panoptic_ros.segments.workers import compiled

@compiled
def double(number):
    return 2 * number
"""


class Kernels:
    """A module with one kernel, whose cache is in a folder of its own."""

    def __init__(self, root):
        self.root = root / 'kernels'
        self.root.mkdir(mode=0o755)
        self.source = root / 'module.py'
        self.source.write_text(SOURCE)

    def load(self):
        """Run the kernel as a new process would; return whether it came from the cache."""
        spec = importlib.util.spec_from_file_location('module', self.source)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.double(21) == 42
        return bool(module.double.stats.cache_hits)

    @property
    def folder(self):
        return next(self.root.iterdir())

    @property
    def index(self):
        return next(self.folder.glob('*.nbi'))

    @property
    def data(self):
        return next(self.folder.glob('*.nbc'))


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    kernels = Kernels(tmp_path)
    monkeypatch.setattr(numba.config, 'CACHE_DIR', str(kernels.root))
    monkeypatch.setattr(kernel_cache, '_warned', set())
    return kernels


def test_what_was_compiled_once_is_taken_from_the_disk(kernels, caplog):
    assert [kernels.load(), kernels.load()] == [False, True]
    assert not caplog.messages


def cut(content):
    return content[:len(content) // 2]


def altered(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1:]


@pytest.mark.parametrize('damage', [cut, altered, lambda _: b'', lambda _: bytes(4096)])
@pytest.mark.parametrize('part', ['index', 'data'])
def test_a_damaged_cache_is_made_anew(kernels, caplog, part, damage):
    kernels.load()
    file = getattr(kernels, part)
    file.write_bytes(damage(file.read_bytes()))
    assert not kernels.load()
    if not (part == 'index' and damage is altered):     # which may look like one of old sources
        line, = caplog.messages
        assert f'the cache in {kernels.folder} is damaged' in line
    assert kernels.load()


class Poison:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@pytest.mark.parametrize('mode', [0o777, 0o775])
@pytest.mark.parametrize('place', ['root', 'folder', 'index', 'data'])
def test_what_others_may_write_is_not_executed(kernels, caplog, tmp_path, place, mode,
                                               monkeypatch):
    monkeypatch.setattr('panoptic_ros.trust._is_own_group', lambda _: False)
    kernels.load()
    kernels.index.write_bytes(pickle.dumps(Poison(tmp_path / 'executed')))
    getattr(kernels, place).chmod(mode)
    before = sorted(kernels.folder.iterdir())
    assert not kernels.load()
    assert not (tmp_path / 'executed').exists()
    line, = caplog.messages
    assert str(getattr(kernels, place)) in line
    assert f'may be written by others (mode {mode:o}), and compiled kernels are executed' in line
    assert sorted(kernels.folder.iterdir()) == before


@pytest.mark.parametrize('place', ['root', 'folder', 'index', 'data'])
def test_what_belongs_to_somebody_else_is_not_executed(kernels, caplog, place, monkeypatch):
    kernels.load()
    if os.geteuid() == 0:
        os.chown(getattr(kernels, place), 12345, -1)
    else:
        monkeypatch.setattr(os, 'geteuid', lambda: 12345)
        monkeypatch.setattr(kernel_cache.os, 'stat', lambda _: os.lstat('/'))
    assert not kernels.load()
    assert 'belongs to user' in caplog.messages[0]


def test_a_folder_for_all_will_do_only_where_owners_alone_replace_files(kernels, caplog):
    """NUMBA_CACHE_DIR=/tmp is sound, as numba's own folder in it is this user's."""
    kernels.load()
    kernels.root.chmod(0o1777)
    assert kernels.load()
    kernels.folder.chmod(0o1777)
    assert not kernels.load()
    assert f'{kernels.folder} may be written by others' in caplog.messages[0]


def test_a_link_to_elsewhere_is_not_followed(kernels, caplog, tmp_path):
    kernels.load()
    elsewhere = kernels.data.rename(tmp_path / 'elsewhere')
    (kernels.folder / 'module.double-4.py.sealed.1.nbc').unlink(missing_ok=True)
    link = kernels.folder / f'{kernels.index.name.removesuffix("nbi")}1.nbc'
    link.symlink_to(elsewhere)
    assert not kernels.load()
    assert f'{link} is a symbolic link' in caplog.messages[0]


def test_a_full_disk_costs_the_cache_alone(kernels, caplog, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, '_open_for_write', full)
    assert not kernels.load()
    line, = caplog.messages
    assert f'{kernels.folder} cannot keep them' in line
    assert 'No space left' in line


def test_a_folder_that_cannot_be_written_is_named(kernels, caplog, monkeypatch, tmp_path):
    (tmp_path / 'file').touch()
    monkeypatch.setattr(numba.config, 'CACHE_DIR', str(tmp_path / 'file'))
    kernels.load()
    line, = caplog.messages
    assert f'NUMBA_CACHE_DIR={tmp_path / "file"} cannot be written' in line
    assert f'are kept in {tmp_path / "__pycache__"}' in line


def test_no_folder_at_all_is_told(kernels, caplog, monkeypatch):
    monkeypatch.setattr(numba.core.caching.CacheImpl, '_locator_classes', [])
    assert [kernels.load(), kernels.load()] == [False, False]
    line, = caplog.messages
    assert 'set NUMBA_CACHE_DIR to a folder that can be written' in line


@pytest.mark.slow
def test_a_process_goes_on_with_a_damaged_cache(tmp_path):
    """The whole grouping, with one file cut off as by a loss of power."""
    indices = [path for folder in kept_kernels.copy_kernels(tmp_path)
               for path in folder.glob('centers._find_peaks-*.nbi')]
    for index in indices:       # nobody reads those that are left of former sources
        index.write_bytes(b'')
    done = subprocess.run(
        [sys.executable, '-c', 'from panoptic_ros.families.deeplab import warm_up; warm_up()'],
        env=os.environ | {'NUMBA_CACHE_DIR': str(tmp_path)}, capture_output=True, text=True,
        check=True)
    line, = done.stderr.splitlines()
    assert f'the cache in {indices[0].parent} is damaged (EOFError' in line
