"""Recordings: reading, writing, replaying, recording and labelling rosbag2."""

try:
    import rosbags as rosbags
except ImportError as error:
    raise ImportError("bags are read with rosbags, which is not installed: pip install "
                      "'rosbags>=0.11,<0.12'") from error
