"""Plan files: a serialised engine, the kernels for its GPU, and the sidecar that seals both."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from ..trust import read_trusted, write_private
from .plan_info import BUILD_AGAIN, PlanError, PlanInfo, read_object, trusting

__all__ = ['PlanError', 'PlanInfo', 'cubin_path', 'read_cubin', 'read_plan', 'sidecar_path',
           'write_plan']

_LARGEST_SIDECAR = 4 << 20


def sidecar_path(plan: Path) -> Path:
    """Return the path of a plan's sidecar: NAME.plan.json."""
    return plan.with_name(plan.name + '.json')


def cubin_path(plan: Path) -> Path:
    """Return the path of a plan's kernels: NAME.cubin."""
    return plan.with_suffix('.cubin')


def read_plan(path: Path) -> tuple[bytes, PlanInfo]:
    """
    Return a plan and its description, after checking that it is whole, unaltered and ours.

    Raises
    ------
    FileNotFoundError
        There is no such plan.
    PlanError
        The sidecar is missing or unreadable, or does not vouch for this plan.  Or others than
        this user and root may have written one of the two files.

    """
    if not path.is_file():
        raise FileNotFoundError(f'no plan file {path}: {BUILD_AGAIN}')
    text = _read_sidecar(path)
    info = PlanInfo.from_json(text, str(sidecar_path(path)))
    return _read_sealed(path, 'plan', text, sidecar_path(path)), info


def read_cubin(path: Path) -> bytes:
    """
    Return the kernels that belong to a plan, after the same checks.

    Raises
    ------
    PlanError
        The kernels or the plan's sidecar are missing, unreadable or altered, or others than this
        user and root may have written them.

    """
    return _read_sealed(cubin_path(path), 'cubin', _read_sidecar(path), sidecar_path(path))


def write_plan(path: Path, plan: bytes, info: PlanInfo, cubin: bytes) -> None:
    """
    Write a plan, its kernels and its sidecar, each by atomic rename.

    The sidecar comes last and vouches for the other two by size and hash.  So an interruption
    leaves the old plan, or one that ``read_plan`` refuses.

    Raises
    ------
    ValueError
        The path does not end in .plan.
    OSError
        The folder cannot be made or written.

    """
    if path.suffix != '.plan':
        raise ValueError(f'{path}: expected a file that ends in .plan')
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    sidecar = info.to_json(plan=_seal(plan), cubin=_seal(cubin))
    contents = {path: plan, cubin_path(path): cubin, sidecar_path(path): sidecar.encode()}
    partial = {file: file.with_name(f'.{file.name}.{os.getpid()}.partial') for file in contents}
    try:
        for file, content in contents.items():
            write_private(partial[file], content)
        for file in contents:
            os.replace(partial[file], file)
    except OSError as error:        # that of a full disk names no file
        size = sum(map(len, contents.values()))
        raise OSError(f'{path} cannot be written ({error.strerror or error}): expected room for '
                      f'{size} bytes; free some, or name another folder for plans') from error
    finally:
        for file in partial.values():
            file.unlink(missing_ok=True)


def _seal(content: bytes) -> dict[str, Any]:
    return {'bytes': len(content), 'sha256': hashlib.sha256(content).hexdigest()}


def _read_sidecar(plan: Path) -> str:
    try:
        with trusting():
            return read_trusted(sidecar_path(plan), _LARGEST_SIDECAR,
                                'plans are executed').decode()
    except FileNotFoundError as error:
        raise PlanError(f'{plan} has no sidecar {sidecar_path(plan).name}', 'copy the .plan, '
                        f'.plan.json and .cubin files together, or {BUILD_AGAIN}') from error
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f'{sidecar_path(plan)} cannot be read ({error})') from error


def _read_sealed(file: Path, name: str, sidecar: str, source: Path) -> bytes:
    """Return a file's content if the sidecar vouches for it; otherwise raise ``PlanError``."""
    seal = read_object(sidecar, str(source)).get(name)
    if not isinstance(seal, dict) or not {'bytes', 'sha256'} <= seal.keys():
        raise PlanError(f'{source} does not vouch for {file.name}')
    try:
        size = file.stat().st_size
        if size != seal['bytes']:
            raise PlanError(f'{file} is truncated or another file: it has {size} bytes, '
                            f'expected {seal["bytes"]}')
        with trusting():
            content = read_trusted(file, size, 'plans are executed')
    except OSError as error:
        raise PlanError(f'{file} cannot be read ({error})') from error
    if _seal(content) != seal:
        raise PlanError(f'{file} was altered: its sha256 is not the one in {source.name}')
    return content
