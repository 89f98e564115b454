"""The node as a process of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

_PATIENCE = 5.0
"""Seconds that the node has to end after SIGINT."""

_PR_SET_PDEATHSIG = 1
_PRCTL = getattr(ctypes.CDLL(None), 'prctl', None)
"""Looked up here, as a forked process must not load what a thread may have been loading."""


class NodeError(RuntimeError):
    """The node ended or does not work; the text has the end of its log."""


class NodeProcess:
    """
    ``panoptic_node`` in a process that never outlives this one.

    Parameters
    ----------
    log
        The file that takes the node's output.
    remap, parameters
        The node's ROS arguments.

    """

    def __init__(self, log: Path, remap: Mapping[str, str],
                 parameters: Mapping[str, object]) -> None:
        self.log = log
        words = [word for name, target in remap.items() for word in ('-r', f'{name}:={target}')]
        for name, value in parameters.items():
            words += ['-p', f'{name}:={_yaml(value)}']
        command = [sys.executable, '-m', 'panoptic_ros.cli.panoptic_node', '--ros-args', *words]
        with log.open('wb') as output:
            # a session of its own: Ctrl-C reaches the demo only, which then ends the node
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env={**os.environ, 'RCUTILS_COLORIZED_OUTPUT': '0'},
                start_new_session=True, preexec_fn=_end_with_parent)

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def check(self) -> None:
        """
        Raise when the node has ended.

        Raises
        ------
        NodeError
            The node has ended; the text has its exit status and the end of its log.

        """
        if (status := self._process.poll()) is not None:
            how = f'signal {-status}' if status < 0 else f'exit status {status}'
            raise NodeError(f'the node ended with {how}{self.last_words()}')

    def last_words(self, lines: int = 12) -> str:
        """Return the end of the log, to be appended to an error."""
        text = self.log.read_text(encoding='utf-8', errors='replace').splitlines()[-lines:]
        said = '\n'.join(f'    {line}' for line in text) or '    (nothing)'
        return f'. The end of its log, {self.log}:\n{said}'

    def stop(self) -> int:
        """End the node as Ctrl-C does, and at once if that fails; return its status."""
        for number in (signal.SIGINT, signal.SIGKILL):
            if self.alive:
                self._process.send_signal(number)
                try:
                    self._process.wait(_PATIENCE)
                except subprocess.TimeoutExpired:
                    continue
        return self._process.wait()


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _end_with_parent() -> None:
    """Let Linux end this process when the one that started it dies, however it dies."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGTERM)
