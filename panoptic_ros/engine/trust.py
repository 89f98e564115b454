"""Files that decide what runs here: written by nobody but this user or root, read with a limit."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from .plan_info import PlanError


def read_trusted(file: Path, most: int) -> bytes:
    """
    Return a file's content, after checking who may have written it and how large it is.

    Parameters
    ----------
    file
        The file; whoever may write its folder may replace it, so that is checked too.
    most
        Bytes that it may have at most.

    Raises
    ------
    PlanError
        Somebody but this user and root may have written it, or it is larger.
    OSError
        It cannot be read.

    """
    check_folder(file.resolve().parent)
    with file.open('rb') as stream:
        status = os.fstat(stream.fileno())
        _check(file, status)
        if status.st_size > most:
            raise PlanError(f'{file} has {status.st_size} bytes: expected {most} at most')
        return stream.read(most)


def check_folder(folder: Path) -> None:
    """
    Refuse a folder in which somebody else may replace files.

    Raises
    ------
    PlanError
        It belongs to somebody but this user and root, or others may write it.
    OSError
        There is none.

    """
    _check(folder, folder.stat())


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only this user may change, whatever the umask, and wait for the disk."""
    def create(path: str, flags: int) -> int:
        # in a sticky folder a link of somebody else's may wait in its place
        return os.open(path, flags | os.O_NOFOLLOW, 0o644)

    with open(file, 'wb', opener=create) as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _check(path: Path, status: os.stat_result) -> None:
    user = os.geteuid()
    if status.st_uid not in (user, 0):
        raise PlanError(f'{path} belongs to user {status.st_uid}, this is {user}, and plans are '
                        'executed', f'if you trust it, `sudo chown {user} {path}`')
    if _others_may_write(status):
        raise PlanError(f'{path} may be written by others (mode {stat.S_IMODE(status.st_mode):o}),'
                        ' and plans are executed', f'if you trust it, `chmod go-w {path}`')


def _others_may_write(status: os.stat_result) -> bool:
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    by_group = status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_gid)
    return not sticky and bool(by_group or status.st_mode & stat.S_IWOTH)


def _is_own_group(group_id: int) -> bool:
    """Tell whether a group is this user's alone: many systems make one, and a umask of 002."""
    try:
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(group_id)
    except KeyError:
        return False
    return group.gr_name == user and set(group.gr_mem) <= {user}
