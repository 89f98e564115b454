"""Files that decide what runs here: only this user or root may have written them."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Collection
from pathlib import Path


class UntrustedError(ValueError):
    """Others may have written a file that would be executed; ``reason`` is without the cure."""

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(f'{reason}; {cure}')
        self.reason, self.cure = reason, cure


def read_trusted(file: Path, most: int, why: str) -> bytes:
    """
    Return a file's content, after checking who may have written it and how large it is.

    Parameters
    ----------
    file
        The file. Its folder is checked too, because who may write the folder may replace the file.
    most
        The most bytes that it may have.
    why
        Why that matters, for errors: 'plans are executed'.

    Raises
    ------
    UntrustedError
        Somebody else than this user and root may have written it, it is larger, or it is no file.
    OSError
        It cannot be read.

    """
    def opener(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NONBLOCK)     # a pipe would wait for ever

    check_folder(file.resolve().parent, why)
    with open(file, 'rb', opener=opener) as stream:
        status = os.fstat(stream.fileno())
        _check_file(file, status, why)
        if status.st_size > most:
            raise UntrustedError(f'{file} has {status.st_size} bytes: expected {most} at most',
                                 f'remove {file}')
        return stream.read(most)


def check_folder(folder: Path, why: str, owners: Collection[int] = (),
                 sticky: bool = True) -> None:
    """
    Refuse a folder in which somebody else may replace files.

    Parameters
    ----------
    folder
        The folder.
    why
        Why that matters, for errors.
    owners
        Users who are trusted besides this one and root.
    sticky
        Whether to accept a folder that all may write, but in which only owners replace files.

    Raises
    ------
    UntrustedError
        The folder belongs to somebody else than those, or others may write it.
    OSError
        There is no such folder.

    """
    _check(folder, folder.stat(), why, owners, sticky)


def check_file(file: Path, why: str, owners: Collection[int] = ()) -> None:
    """
    Refuse a file that somebody else may have written. The caller checks its folder.

    Raises
    ------
    UntrustedError
        The file belongs to somebody else than this user, root and ``owners``, others may write it,
        or it is a link or no file.
    OSError
        There is no such file.

    """
    _check_file(file, file.lstat(), why, owners)


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only this user may change, whatever the umask; wait for the disk."""
    def create(path: str, flags: int) -> int:
        # in a sticky folder, somebody else's link may wait in its place
        return os.open(path, flags | os.O_NOFOLLOW, 0o644)

    with open(file, 'wb', opener=create) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def open_lock(file: Path, why: str) -> int:
    """
    Return the descriptor of a file to lock; the file is made if it is not there.

    Raises
    ------
    UntrustedError
        Something else is in its place: a link, or a file of somebody else, who could hold the
        lock for ever.
    OSError
        The file cannot be made.

    """
    if file.is_symlink():
        raise UntrustedError(f'{file} is a symbolic link: expected a file', f'remove {file}')
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _check_file(file, os.fstat(descriptor), why)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_file(file: Path, status: os.stat_result, why: str,
                owners: Collection[int] = ()) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = 'a symbolic link' if stat.S_ISLNK(status.st_mode) else 'no regular file'
        raise UntrustedError(f'{file} is {kind}: expected a file', f'remove {file}')
    _check(file, status, why, owners)


def _check(path: Path, status: os.stat_result, why: str, owners: Collection[int] = (),
           sticky: bool = True) -> None:
    user = os.geteuid()
    if status.st_uid not in (user, 0, *owners):
        raise UntrustedError(f'{path} belongs to user {status.st_uid}, this is {user}, and {why}',
                             f'if you trust it, `sudo chown {user} {path}`')
    if _others_may_write(status, sticky):
        raise UntrustedError(f'{path} may be written by others (mode '
                             f'{stat.S_IMODE(status.st_mode):o}), and {why}',
                             f'if you trust it, `chmod go-w {path}`')


def _others_may_write(status: os.stat_result, sticky_will_do: bool) -> bool:
    sticky = sticky_will_do and stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    by_group = status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_gid)
    return not sticky and bool(by_group or status.st_mode & stat.S_IWOTH)


def _is_own_group(group_id: int) -> bool:
    """Tell whether a group is this user's alone; many systems make one, with a umask of 002."""
    try:
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(group_id)
    except KeyError:
        return False
    return group.gr_name == user and set(group.gr_mem) <= {user}
