"""
Build the vision_msgs wheel for the interpreter that runs this: ``build.py UV REQUIREMENTS OUT``.

The generators and CMake go into an environment of their own beside OUT, so that the one that
uses the messages stays small. The wheel is kept in OUT: a second call does nothing. Prints the
wheel's path last.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / 'vision_msgs'


def main() -> None:
    """Build the wheel, or find it built."""
    uv, requirements, out = (Path(argument).resolve() for argument in sys.argv[1:4])
    tag = f'cp{sys.version_info.major}{sys.version_info.minor}'
    changed = max(path.stat().st_mtime for path in (
        *SOURCE.rglob('*'), requirements / 'ros.txt', requirements / 'ros_build.txt'))
    built = [wheel for wheel in out.glob(f'vision_msgs-*-{tag}-*.whl')
             if wheel.stat().st_mtime >= changed]
    if not built:
        if not (shutil.which('cc') and shutil.which('c++')):
            sys.exit('vision_msgs is compiled on this machine, and there is no C compiler: '
                     'install one, on Debian and Ubuntu with\n'
                     '    sudo apt-get install build-essential')
        environment = out.parent / f'vision_msgs-{tag}'
        run(uv, 'venv', '--quiet', '--clear', '--python', sys.executable, environment)
        run(uv, 'pip', 'install', '--python', environment,
            '-r', requirements / 'ros.txt', '-r', requirements / 'ros_build.txt')
        run(uv, 'build', '--wheel', '--no-build-isolation', '--python', environment / 'bin/python',
            '--out-dir', out, SOURCE, path=environment / 'bin')
        shutil.rmtree(environment)
        built = sorted(out.glob(f'vision_msgs-*-{tag}-*.whl'), key=lambda w: w.stat().st_mtime)
    print(built[-1])


def run(*command: str | Path, path: Path | None = None) -> None:
    """Run a command, with a folder before the others on PATH; end with its status if it fails."""
    environment = dict(os.environ)
    if path is not None:
        environment['PATH'] = f'{path}{os.pathsep}{environment["PATH"]}'
    status = subprocess.run([str(word) for word in command], env=environment).returncode
    if status:
        sys.exit(status)


if __name__ == '__main__':
    main()
