from mmap import mmap

import pytest

from panoptic_ros.node.memory import Memory, read_memory


def test_memory_of_this_process():
    size = 64 << 20
    before = read_memory()
    with mmap(-1, size) as block:       # pages of its own: the allocator may have some to reuse
        block.write(bytes(size))
        after = read_memory()
    assert after.resident - before.resident > size * 0.75
    assert after.peak >= after.resident * 0.9
    assert size < after.available < after.total


@pytest.mark.parametrize('text', ['', 'nothing to read'])
def test_a_system_that_tells_nothing(tmp_path, text):
    (tmp_path / 'self').mkdir()
    for name in ('meminfo', 'self/statm'):
        if text:
            (tmp_path / name).write_text(text)
    memory = read_memory(tmp_path)
    assert memory == Memory(None, memory.peak, None, None)
