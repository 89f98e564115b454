from importlib.util import find_spec
from pathlib import Path

import pytest

collect_ignore_glob = [] if find_spec('rosbags') else ['*']


def pytest_report_header() -> str | None:
    return 'test/bags left out: rosbags not installed' if collect_ignore_glob else None


@pytest.fixture(scope='session')
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bag of FRAMES frames, see support/drive_bag.py; do not change it."""
    import drive_bag
    return drive_bag.write(tmp_path_factory.mktemp('bags') / 'drive')
