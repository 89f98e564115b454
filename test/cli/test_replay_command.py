"""The command ``replay``, where it cannot start."""

import sys

import pytest

from panoptic_ros.cli import replay


def test_without_rosbags_one_line_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.startswith('panoptic_ros.bags')]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'rosbags', None)
    with pytest.raises(SystemExit, match=r'^replay: reading bags needs rosbags, which '
                       'is not installed: `pip install'):
        replay.main(['drive'])
