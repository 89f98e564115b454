"""
Run one step of a set-up: ``step.py TITLE LOG COMMAND...``.

On a terminal, the step shows how long it has run and the last line of its output. Elsewhere it
prints one line when it starts and one when it ends. Its whole output goes to LOG. If the step
fails, the end of LOG is printed. This file uses only the standard library, because it runs before
anything is installed.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from shutil import get_terminal_size

TAIL = 30
"""Lines of the log that are printed when the command fails."""


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty."""
    with log.open('rb') as file:
        file.seek(max(0, log.stat().st_size - 2000))
        lines = file.read().decode(errors='replace').replace('\r', '\n').split('\n')
    return next((line.strip() for line in reversed(lines) if line.strip()), '')


def show(title: str, log: Path, done: threading.Event) -> None:
    """Keep one line of a terminal up to date until the step is done."""
    start = time.monotonic()
    while not done.wait(0.2):
        width = get_terminal_size().columns - 1
        line = f'{title} ({time.monotonic() - start:.0f} s)  {last_line(log)}'
        sys.stdout.write(f'\r{line[:width]:<{width}}')
        sys.stdout.flush()
    sys.stdout.write('\r' + ' ' * (get_terminal_size().columns - 1) + '\r')


def main() -> int:
    """Run the command and return its exit status."""
    title, log, command = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    done = threading.Event()
    with log.open('wb') as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT)
        watcher = threading.Thread(target=show, args=(title, log, done), daemon=True)
        if sys.stdout.isatty():
            watcher.start()
        else:
            print(f'{title} ...', flush=True)
        try:
            status = process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            status = 130
        finally:
            done.set()
            if watcher.is_alive():
                watcher.join()
    print(f'{title}: {"done" if status == 0 else "FAILED"} in {time.monotonic() - start:.1f} s',
          flush=True)
    if status:
        tail = log.read_text(encoding='utf-8', errors='replace').splitlines()[-TAIL:]
        print('\n'.join(f'    {line}' for line in tail), file=sys.stderr)
        print(f'All of it: {log}', file=sys.stderr)
    return status


if __name__ == '__main__':
    sys.exit(main())
