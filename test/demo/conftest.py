from importlib.util import find_spec

NEEDED = ('rclpy', 'vision_msgs', 'rosbags', 'av')
MISSING = [name for name in NEEDED if find_spec(name) is None]
collect_ignore_glob = ['*'] if MISSING else []


def pytest_report_header() -> str | None:
    return f'test/demo left out: {", ".join(MISSING)} not installed' if MISSING else None
