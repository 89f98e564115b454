"""Finding the recordings that words name: bags, videos and folders of pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ..images.files import PICTURE_SUFFIXES, find
from . import states, storage
from .jobs import Job, Settings

BAGS = {'.mcap', '.db3', '.bag'}
VIDEOS = {'.3gp', '.avi', '.flv', '.h264', '.h265', '.hevc', '.m2ts', '.m4v', '.mjpeg', '.mkv',
          '.mov', '.mp4', '.mpeg', '.mpg', '.mts', '.ogv', '.ts', '.vob', '.webm', '.wmv'}
_METADATA = 'metadata.yaml'
_MAGIC = re.compile(r'[*?[]')


class Found(NamedTuple):
    """A recording."""

    kind: str
    path: str
    name: str
    """What its output is called, without an ending; '/' separates folders."""
    size: int


def is_bag(path: Path) -> bool:
    """
    Return whether a path is a bag and not pictures; the bag's metadata may be missing.

    The folder of a bag holds metadata and recordings, or one of the two and no picture.
    """
    if not path.is_dir():
        return path.suffix in BAGS
    parts = [part.name for part in path.iterdir() if not part.name.startswith('.')]
    return _is_bag(parts, lambda: bool(find(path)))


def is_video(name: str) -> bool:
    """Return whether a file's name is a video's."""
    return PurePosixPath(name).suffix.lower() in VIDEOS


def is_pattern(word: str) -> bool:
    """Return whether a word is a pattern and no path that is there."""
    return bool(_MAGIC.search(word)) and (storage.is_remote(word) or not os.path.lexists(word))


def find_jobs(words: Sequence[str], output: str, settings: Settings) -> list[Job]:
    """
    Return a job for each recording that words name.

    Parameters
    ----------
    words
        Paths, patterns and URLs. A folder that is no bag stands for what is in it.
    output
        The folder, or its URL, for all outputs.
    settings
        The settings of all jobs.

    Raises
    ------
    ValueError
        A word names nothing, or no recording; or two recordings would have the same output, or
        one of them what lies beside another one's output meanwhile.
    OSError
        A folder or a store cannot be read.

    """
    jobs: dict[str, Job] = {}
    output = storage.absolute(output)
    for found in (found for word in words for found in recordings(word, output)):
        ending = '.mp4' if found.kind == 'video' else ''
        job = Job(storage.absolute(found.path), storage.join(output, f'{found.name}{ending}'),
                  found.kind, found.size, settings)
        if other := jobs.get(job.output):
            if other.input == job.input:
                continue        # named twice
            raise ValueError(f'2 inputs have the output {job.output}: {other.input} and '
                             f'{job.input}; rename one of them, or label them in two runs, each '
                             'with an -o of its own')
        jobs[job.output] = job
    _refuse_taken_places(jobs)
    return list(jobs.values())


def _refuse_taken_places(jobs: Mapping[str, Job]) -> None:
    """Refuse an output in another one, or where the work on that keeps what is its own."""
    whole = {job.output: job for job in jobs.values() if job.kind != 'pictures'}
    taken = whole | {place: job for job in jobs.values() for place in states.places_beside(job)}
    for job in jobs.values():
        parts = job.output.split('/')
        for place in ('/'.join(parts[:count]) for count in range(len(parts), 0, -1)):
            if (other := taken.get(place, job)) is not job:
                raise ValueError(f'the output {job.output} of {job.input} is in the way of '
                                 f'{other.input}, whose work takes {place}: rename one of them, '
                                 'or label them in two runs, each with an -o of its own')


def recordings(word: str, output: str | None = None) -> Iterator[Found]:
    """
    Yield the recordings that a word names, but not those under an output's folder.

    Raises
    ------
    ValueError, OSError
        As for ``find_jobs``.

    """
    if is_pattern(word):
        paths = storage.matches(word)
        base = word[:_MAGIC.search(word).start()].rpartition('/')[0]    # type: ignore[union-attr]
        if not paths:
            raise ValueError(f'nothing matches {word}: expected the pattern of bags, videos or '
                             'folders')
    else:
        paths, base = [word], ''
    met = kept = 0
    for path in paths:
        within = _relative(path, base) if is_pattern(word) else None
        for found in _in(path, within, is_one=len(paths) == 1):
            met += 1
            if output is None or not _lies_in(found.path, output):
                kept += 1
                yield found
    if met and not kept:
        raise ValueError(f'all recordings of {word} ({met}) lie in {output}, the folder of -o, '
                         'where nothing is read: expected an -o beside them')
    if not met:
        raise ValueError(f'there is no recording in {word}: expected bags (.mcap, .db3 or their '
                         'folders), videos or pictures')


def _in(path: str, within: str | None, is_one: bool) -> Iterator[Found]:
    """Yield what is in a path; ``within`` names it below the fixed part of a pattern."""
    try:
        files = storage.listing(path)
    except (FileNotFoundError, NotADirectoryError):
        files = {}
    if not files and not storage.exists(path):
        raise ValueError(f'there is no {path}: expected a bag, a video, or a folder of them or '
                         'of pictures')
    own = within or _last(path)
    if list(files) == ['']:
        kind = _kind(path)
        if kind is not None:
            yield Found(kind, path, str(PurePosixPath(own).with_suffix('')), files[''])
        elif is_one:
            raise ValueError(f'{path} is no bag and no video: expected one, or a folder; of '
                             'pictures among other inputs name the folder')
        return
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    for kind, name, size in _recordings(files):
        if not name:
            yield Found(kind, path, own, size)
        else:
            stem = name if name in folders else str(PurePosixPath(name).with_suffix(''))
            yield Found(kind, storage.join(path, name), f'{within}/{stem}' if within else stem,
                        size)


def _recordings(files: Mapping[str, int]) -> Iterator[tuple[str, str, int]]:
    """Yield kind, name and size of what a folder's files are, in order of the names."""
    below: dict[str, list[str]] = {}
    for name in files:
        for folder in (str(parent) for parent in PurePosixPath(name).parents):
            below.setdefault('' if folder == '.' else folder, []).append(name)
    taken: set[str] = set()
    for folder in sorted(below):
        if not taken.isdisjoint(map(str, PurePosixPath(folder).parents)):
            continue
        inside = below[folder]
        prefix = f'{folder}/' if folder else ''
        direct = [name for name in inside if '/' not in name[len(prefix):]]
        if _is_bag([name[len(prefix):] for name in direct],
                   lambda inside=inside: any(map(_is_picture, inside))) and (  # type: ignore[misc]
                   not _are_many(direct)):
            taken.add(folder)
            yield 'bag', folder, sum(files[name] for name in direct)
            if not folder:
                return
            continue
        for name in sorted(direct):
            if (kind := _kind(name)) is not None:
                yield kind, name, files[name]
        if pictures := [name for name in direct if _is_picture(name)]:
            yield 'pictures', folder, sum(files[name] for name in pictures)


def _is_bag(names: Sequence[str], has_pictures: object) -> bool:
    signs = ((_METADATA in names)
             + any(not BAGS.isdisjoint(PurePosixPath(name).suffixes) for name in names))
    return signs == 2 or (signs == 1 and not has_pictures())    # type: ignore[operator]


def _are_many(names: Sequence[str]) -> bool:
    """Tell a folder of single bags from a bag of several files, which are numbered from 0."""
    stems = {re.sub(r'_\d+$', '', PurePosixPath(name).name.partition('.')[0])
             for name in names if _kind(name) == 'bag'}
    return _METADATA not in {PurePosixPath(name).name for name in names} and len(stems) > 1


def _kind(name: str) -> str | None:
    if not BAGS.isdisjoint(PurePosixPath(name).suffixes[-1:]):
        return 'bag'
    return 'video' if is_video(name) else None


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES


def _last(path: str) -> str:
    if storage.is_remote(path):
        return path.rstrip('/').rpartition('/')[2]
    return storage.local(path).resolve().name or 'root'


def _relative(path: str, base: str) -> str:
    path, base = storage.absolute(path), storage.absolute(base)
    return path[len(base):].strip('/') if path.startswith(base) else _last(path)


def _lies_in(path: str, folder: str) -> bool:
    """Tell whether something is an output of an earlier run."""
    if storage.is_remote(path) or storage.is_remote(folder):
        path, folder = storage.absolute(path), storage.absolute(folder)
        return f'{path}/'.startswith(f'{folder.rstrip("/")}/')
    return storage.local(folder).resolve() in (
        place := storage.local(path).resolve(), *place.parents)
