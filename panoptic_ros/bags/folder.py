"""The files that make up a bag, and what its metadata announce of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import yaml
from rosbags.rosbag2 import Reader

from ..images.files import refuse_pointer
from .mcap_records import MAGIC, is_latched
from .sqlite import MAGIC as SQLITE_MAGIC

ROS1_MAGIC = b'#ROSBAG V'

SUFFIXES = ('.mcap', '.db3')
"""How the names of a bag's files end."""

_METADATA = 'metadata.yaml'
_LARGEST_METADATA = 64 << 20


class BagError(ValueError):
    """A bag cannot be read or written, or it lacks what was asked of it."""


class BusyError(BagError):
    """Another process is writing a bag."""


@dataclass
class Contents:
    """The files of a bag."""

    files: list[Path]
    announced: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Type and number of messages of each topic, by the metadata."""
    latched: set[str] = field(default_factory=set)
    """Topics whose publishers were transient local, by the metadata."""
    is_packed: bool = False
    """Whether each file as a whole is compressed."""
    warnings: list[str] = field(default_factory=list)


def contents(path: Path) -> Contents:
    """
    Return which files a bag consists of.

    Raises
    ------
    BagError
        There is no bag at the path.

    """
    if path.is_file():
        return Contents([path])
    if not path.exists():
        partial = path.with_name(f'{path.name}.partial')
        if partial.exists():
            raise BagError(f'no bag at {path}, whose writing was cut off: what there is of it is '
                           f'in {partial}, which can be read or, failing that, saved with `ros2 '
                           'bag reindex`')
        raise BagError(f'no bag at {path}: expected a rosbag2 folder, .mcap or .db3 file')
    if not path.is_dir():
        raise BagError(f'{path} is not a bag but a device or a pipe: expected a rosbag2 folder, '
                       '.mcap or .db3 file')
    if not (path / _METADATA).is_file():
        return _without_metadata(path, 'has no metadata.yaml')
    try:
        return _by_metadata(path)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError,
            RecursionError) as error:
        if isinstance(error, BagError):
            raise
        words = ' '.join(str(error).split())
        return _without_metadata(path, f'has a metadata.yaml that is damaged ({words})')


def _by_metadata(path: Path) -> Contents:
    file = path / _METADATA
    if file.stat().st_size > _LARGEST_METADATA:
        raise ValueError(f'{file.stat().st_size} bytes')
    bag: dict[str, Any] = yaml.safe_load(file.read_text('utf-8'))['rosbag2_bagfile_information']
    files = [path / PurePath(name).name for name in bag['relative_file_paths']]
    if missing := [file.name for file in files if not file.is_file()]:
        raise BagError(f'{path} lacks {", ".join(missing)}, which its metadata.yaml names: copy '
                       'the bag again, or `ros2 bag reindex` it')
    if not files:
        return _without_metadata(path, 'has a metadata.yaml that names no file')
    found = Contents(files, is_packed=str(bag.get('compression_mode', '')).lower() == 'file')
    for entry in bag['topics_with_message_count']:
        topic = entry['topic_metadata']
        name = str(topic['name'])
        kind, count = found.announced.get(name, (str(topic['type']), 0))
        found.announced[name] = kind, count + int(entry['message_count'])
        if is_latched(topic.get('offered_qos_profiles')):
            found.latched.add(name)
    if others := [file.name for file in _stored(path) if file not in files]:
        found.warnings.append(f'{path}: {", ".join(others)} is not in metadata.yaml and left out')
    return found


def _without_metadata(path: Path, what: str) -> Contents:
    files = _stored(path)
    if not files:
        if old := sorted(path.glob('*.bag')):
            raise BagError(f'{path} holds bags of ROS 1: {_convert(old[0])}')
        raise BagError(f'{path} has no metadata.yaml: expected a rosbag2 folder, .mcap or .db3 '
                       'file')
    if len({recording_of(file) for file in files}) > 1:
        raise BagError(f'{path} {what} and holds {len(files)} recordings '
                       f'({files[0].name}, {files[1].name}...): name one of them')
    return Contents(files, warnings=[
        f'{path} {what}, as after a recording that was cut off: '
        f'{", ".join(file.name for file in files)} is read as it is; `ros2 bag reindex` writes '
        'one'])


def recording_of(file: Path) -> str:
    """Return the name that the files of one recording share; a split one numbers its files."""
    return re.sub(r'_\d+$', '', file.stem)


def _stored(path: Path) -> list[Path]:
    """Return the files of a folder that hold messages, number 10 after number 9."""
    files = [file for file in path.iterdir()
             if file.suffix in SUFFIXES and file.is_file() and not file.name.startswith('.')]
    return sorted(files, key=lambda file: [
        int(part) if part.isdigit() else part for part in re.split(r'(\d+)', file.name)])


def sort_of(path: Path) -> str:
    """
    Tell whether a file is ``mcap`` or ``sqlite3``, by its first bytes or else by its name.

    Raises
    ------
    BagError
        The file is neither.

    """
    with path.open('rb') as file:
        head = file.read(200)
    try:
        refuse_pointer(path, head)
    except ValueError as error:
        raise BagError(str(error)) from error
    if head.startswith(ROS1_MAGIC) or path.suffix == '.bag':
        raise BagError(f'{path} is a bag of ROS 1: {_convert(path)}')
    for sort, magic in (('mcap', MAGIC), ('sqlite3', SQLITE_MAGIC)):
        if head.startswith(magic):
            return sort
    for sort, suffix in zip(('mcap', 'sqlite3'), SUFFIXES, strict=True):
        if path.suffix == suffix:       # cut off or damaged
            return sort
    raise BagError(f'{path} is not a bag: expected a rosbag2 folder, .mcap or .db3 file')


@contextmanager
def unpacked(found: Contents, path: Path) -> Iterator[list[Path]]:
    """
    Give the files of a bag; files that were compressed as a whole are unpacked.

    Raises
    ------
    BagError
        A file cannot be unpacked.

    """
    if not found.is_packed:
        yield found.files
        return
    try:
        reader = Reader(path)       # it unpacks the files into a folder of its own
        reader.open()
    except Exception as error:      # rosbags passes on errors of any kind
        raise BagError(f'{path} cannot be unpacked ({error}): unpack its files with `zstd -d`, '
                       'then `ros2 bag reindex` it') from error
    try:
        yield [storage.path for storage in reader.storage.storages]     # type: ignore[attr-defined]
    finally:
        reader.close()


def _convert(path: Path) -> str:
    return f'convert it, `rosbags-convert --src {path} --dst {path.with_suffix("")}`'
