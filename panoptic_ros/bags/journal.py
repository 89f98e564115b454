"""The journal of a labelling, with which another process can go on after an interruption."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..labels import LabelSpace
from ..panoptic import Panoptic, Segments
from ..tracking import Tracker
from .folder import BagError, BusyError
from .paths import JOURNAL

Job = Mapping[str, Any]
"""Everything that decides the result of a labelling, as JSON."""

_TYPES = {'label': np.uint16, 'class_id': np.uint8, 'instance': np.uint16, 'area': np.int64,
          'box': np.int32, 'centroid': np.float32, 'score': np.float32}


@dataclass(frozen=True, eq=False)
class Entry:
    """A frame that was labelled."""

    time: int
    """Time of its message, in nanoseconds since the epoch."""
    size: tuple[int, int]
    """(height, width) in pixels."""
    things: Segments
    """The things as they were before the tracker renumbered them."""

    @classmethod
    def of(cls, time: int, panoptic: Panoptic) -> Entry:
        """Return the entry for a result of the segmenter."""
        return cls(time, panoptic.size, panoptic.things)

    def track(self, tracker: Tracker, label_space: LabelSpace, time: float) -> None:
        """Bring a tracker to where it was after this frame; the things are all that it needs."""
        tracker(Panoptic(np.zeros(self.size, np.uint16), self.things, label_space), time)

    def write(self) -> str:
        """Return the entry as a line, in which no number loses a bit."""
        things = {column.name: getattr(self.things, column.name).tolist()
                  for column in fields(Segments)}
        return json.dumps({'time': self.time, 'size': self.size, 'things': things})

    @classmethod
    def read(cls, line: str) -> Entry:
        """Return the entry that a line holds."""
        found = json.loads(line)
        columns = {name: np.array(found['things'][name], kind) for name, kind in _TYPES.items()}
        columns['box'] = columns['box'].reshape(-1, 4)
        columns['centroid'] = columns['centroid'].reshape(-1, 2)
        height, width = found['size']
        return cls(int(found['time']), (height, width), Segments(**columns))


class Journal:
    """
    The journal of a running labelling: its job, then a line for each frame.

    Parameters
    ----------
    folder
        The bag that is being written.
    job
        What is being done.

    """

    def __init__(self, folder: Path, job: Job) -> None:
        self._file = (folder / JOURNAL).open('w', encoding='utf-8')
        fcntl.flock(self._file, fcntl.LOCK_EX)      # held until it is closed, however that happens
        self._line(json.dumps(job))

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, entry: Entry) -> None:
        """Write down a frame whose messages were written."""
        self._line(entry.write())

    def _line(self, text: str) -> None:
        self._file.write(f'{text}\n')
        self._file.flush()


def read_journal(folder: Path) -> tuple[Job, list[Entry]] | None:
    """
    Return the job and the frames of an interrupted labelling; None if there is none.

    Raises
    ------
    BusyError
        Another process is writing it.

    """
    try:
        with (folder / JOURNAL).open(encoding='utf-8') as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BusyError(f'another process is writing {folder}: wait for its end, or '
                                'choose another output') from error
            # if the disk was full, the last line is cut off
            lines = [line for line in file if line.endswith('\n')]
        return json.loads(lines[0]), [Entry.read(line) for line in lines[1:]]
    except BagError:
        raise
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None     # another kind of file, or damaged: nothing to go on from
