"""Where the package's shared files (config, launch, models) are."""

from __future__ import annotations

from pathlib import Path

PACKAGE = 'panoptic_ros'


class NoHomeError(RuntimeError):
    """A path begins with ~, but this user has no home directory."""


def expand_home(path: str | Path) -> Path:
    """
    Return a path with the home directory in place of ~.

    Raises
    ------
    NoHomeError
        Neither ``HOME`` nor the system's list of users tells a home directory.

    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise NoHomeError(f'{str(path)!r}: this user has no home directory: set HOME, or write '
                          'the whole path') from error


def model_path(model: str) -> Path:
    """
    Return the file that a model's name means; the file need not exist.

    A plain word is a model in share/models; anything with a suffix or a slash is a path.

    Raises
    ------
    NoHomeError
        The path begins with ~, and there is no home directory.

    """
    path = expand_home(model)
    if path.suffix or len(path.parts) > 1:
        return path
    return share_directory() / 'models' / f'{model}.onnx'


def share_directory() -> Path:
    """
    Return the folder that holds ``config/``, ``launch/`` and ``models/``.

    The folder is found from this module's own path, so it always belongs to the running code. It
    is the checkout itself, or ``<prefix>/share/panoptic_ros`` of the prefix that the module is
    installed under (a colcon workspace, a ROS distribution, a virtual environment).

    Raises
    ------
    FileNotFoundError
        The package was copied without its shared files.

    """
    module = Path(__file__).resolve()
    for parent in module.parents:
        if (parent / 'package.xml').is_file() and (parent / PACKAGE) == module.parent:
            return parent
        share = parent / 'share' / PACKAGE
        if share.is_dir():
            return share
    raise FileNotFoundError(
        f'no share/{PACKAGE} above {module.parent}: install the package with colcon or pip, '
        'which put its shared files there')
