"""Going on from a labelling that was interrupted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from .folder import BagError
from .journal import Entry, Job, read_journal
from .paths import before_of, check_replaceable, partial_of
from .reader import Bag, Record


class Before:
    """
    What an interrupted labelling left of its frames.

    Parameters
    ----------
    folder
        The partial bag.
    entries
        The frames whose messages the bag holds completely.
    topics
        The topics that it wrote for each frame, in this order.

    """

    def __init__(self, folder: Path, entries: Sequence[Entry], topics: Sequence[str]) -> None:
        self.folder = folder
        self.entries = entries
        self._topics = topics

    def frames(self) -> Iterator[tuple[Entry, dict[str, bytes]]]:
        """Yield each frame and its messages, by topic."""
        with Bag(self.folder, salvage=True) as bag:
            stored = bag.messages(self._topics)
            for entry in self.entries:
                records: list[Record] = list(islice(stored, len(self._topics)))
                if {record.time for record in records} != {entry.time}:
                    raise BagError(f'{self.folder} is not what its journal says: remove it')
                yield entry, {record.topic.name: record.data for record in records}

    def discard(self) -> None:
        """Remove the partial bag, because all of it is in the new bag."""
        shutil.rmtree(self.folder)

    def restore(self, output: Path) -> None:
        """Put the partial bag back, in place of a new one that got less far."""
        if self.folder.exists():
            partial = partial_of(output)
            if partial.exists():
                shutil.rmtree(partial)
            self.folder.rename(partial)


def take_up(output: Path, job: Job, topics: Sequence[str], overwrite: bool) -> Before | None:
    """
    Move what an interrupted labelling left for this output out of the way, and return it.

    The result is None if nothing was left.

    Raises
    ------
    BagError
        Another process is writing there, or what was left belongs to another job and must not be
        overwritten.

    """
    left: list[Before] = []
    for folder in (before_of(output), partial_of(output)):
        check_replaceable(folder, True)
        if not folder.exists():
            continue
        known = read_journal(folder)
        other = 'its journal' if known is None else ', '.join(
            key for key in {**known[0], **job} if known[0].get(key) != job.get(key))
        if other and not overwrite:
            raise BagError(f'{folder} is left of another labelling ({other} differs): remove it, '
                           'or allow overwriting it')
        if known is not None and not other:
            left.append(Before(folder, known[1][:_whole_frames(folder, topics)], topics))
        else:
            shutil.rmtree(folder)
    if not left:
        return None
    left.sort(key=lambda before: len(before.entries))
    *shorter, best = left
    for before in shorter:
        before.discard()
    if not best.entries:
        best.discard()
        return None
    moved = before_of(output)
    if best.folder != moved:
        best.folder.rename(moved)
    return Before(moved, best.entries, topics)


def _whole_frames(folder: Path, topics: Sequence[str]) -> int:
    try:
        with Bag(folder, salvage=True) as bag:
            return min(bag.topic(name).count for name in topics)
    except BagError:
        return 0        # it was cut off before the first frame was on the disk
