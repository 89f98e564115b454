"""Recordings as other programs write them, record by record, and as they are after an accident."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from panoptic_ros.bags import messages
from panoptic_ros.bags.typestore import typestore
from panoptic_ros.messages import IMAGE

MAGIC = b'\x89MCAP0\r\n'
START = 10**18
PERIOD = 10**8
CAMERA = '/cam/image_raw'


class Message(NamedTuple):
    time: int
    data: bytes
    topic: str = CAMERA
    type: str = IMAGE


def picture(number: int) -> np.ndarray:
    return np.full((32, 64, 3), 10 * number, np.uint8)


def frame(number: int, time: int | None = None, topic: str = CAMERA, encoding: str = 'bgr8',
          pixels: np.ndarray | None = None) -> Message:
    """Return a message that holds ``picture(number)``, at ten a second."""
    stamp = START + number * PERIOD
    image = messages.image(picture(number) if pixels is None else pixels, encoding,
                           messages.header(stamp, 'cam'))
    return Message(stamp if time is None else time, bytes(typestore().serialize_cdr(image, IMAGE)),
                   topic)


def frames(count: int) -> list[Message]:
    return [frame(number) for number in range(count)]


def write_mcap(path: Path, stored: Sequence[Message], profile: str = 'ros2', encoding: str = 'cdr',
               schema: str = 'ros2msg', chunk: int | None = 2, message_index: bool = True,
               summary: bool = True, end: bool = True,
               announced: dict[str, int] | None = None) -> Path:
    """
    Write an MCAP file.

    Parameters
    ----------
    path, stored, profile, encoding, schema
        The file, its messages, and what its header, channels and schemas say of them.
    chunk
        How many messages lie in one; None for messages outside of chunks.
    message_index, summary, end
        What to write behind the messages.
    announced
        What the statistics count, by topic; by default what is there.

    """
    topics = {message.topic: message.type for message in stored}
    number_of = {topic: number for number, topic in enumerate(topics, 1)}
    declared = b''.join(
        _record(3, struct.pack('<H', number_of[topic]) + _text(kind) + _text(schema) + _text(''))
        + _record(4, struct.pack('<HH', number_of[topic], number_of[topic]) + _text(topic)
                  + _text(encoding) + struct.pack('<I', 0))
        for topic, kind in topics.items())
    file = MAGIC + _record(1, _text(profile) + _text('by hand')) + declared
    indices = b''
    chunks = 0
    for part in _parts(stored, chunk or len(stored) or 1):
        content = [_record(5, struct.pack('<HIQQ', number_of[m.topic], 0, m.time, m.time) + m.data)
                   for m in part]
        if chunk is None:
            file += b''.join(content)
            continue
        begin, times = len(file), [message.time for message in part]
        raw = b''.join(content)
        file += _record(6, struct.pack('<QQQI', min(times), max(times), len(raw), 0) + _text('')
                        + struct.pack('<Q', len(raw)) + raw)
        length = len(file) - begin
        offsets, indexed = b'', len(file)
        if message_index:
            for topic in {message.topic: None for message in part}:
                offsets += struct.pack('<HQ', number_of[topic], len(file))
                entries = b''.join(struct.pack('<QQ', message.time, sum(map(len, content[:place])))
                                   for place, message in enumerate(part) if message.topic == topic)
                file += _record(7, struct.pack('<HI', number_of[topic], len(entries)) + entries)
        indices += _record(8, struct.pack('<QQQQI', min(times), max(times), begin, length,
                                          len(offsets)) + offsets
                           + struct.pack('<Q', len(file) - indexed) + _text('')
                           + struct.pack('<QQ', len(raw), len(raw)))
        chunks += 1
    if end:
        file += _record(15, struct.pack('<I', 0))
        begin = len(file) if summary else 0
        if summary:
            counts = announced or Counter(message.topic for message in stored)
            times = [message.time for message in stored] or [0]
            by_number = b''.join(struct.pack('<HQ', number_of[topic], count)
                                 for topic, count in counts.items())
            file += declared + indices + _record(11, struct.pack(
                '<QHIIIIQQI', sum(counts.values()), len(topics), len(topics), 0, 0, chunks,
                min(times), max(times), len(by_number)) + by_number)
        file += _record(2, struct.pack('<QQI', begin, 0, 0)) + MAGIC
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file)
    return path


def write_metadata(folder: Path, counts: dict[str, int], **changes: Any) -> Path:
    """Write the metadata.yaml of a folder's files, as a recorder does, with changes."""
    files = sorted(path.name for path in folder.iterdir())
    qos = [{'history': 1, 'depth': 10, 'reliability': 2, 'durability': 2}]
    folder.joinpath('metadata.yaml').write_text(yaml.safe_dump({'rosbag2_bagfile_information': {
        'version': 9, 'storage_identifier': 'mcap', 'relative_file_paths': files,
        'duration': {'nanoseconds': 0}, 'starting_time': {'nanoseconds_since_epoch': 2**63 - 1},
        'message_count': sum(counts.values()), 'compression_format': '', 'compression_mode': '',
        'topics_with_message_count': [
            {'message_count': count, 'topic_metadata': {
                'name': name, 'type': IMAGE, 'serialization_format': 'cdr',
                'offered_qos_profiles': qos, 'type_description_hash': ''}}
            for name, count in counts.items()], **changes}}), encoding='utf-8')
    return folder


def _parts(stored: Sequence[Message], size: int) -> Iterable[Sequence[Message]]:
    return [stored[at:at + size] for at in range(0, len(stored), size)]


def _text(text: str) -> bytes:
    return struct.pack('<I', len(text.encode())) + text.encode()


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack('<BQ', kind, len(content)) + content
