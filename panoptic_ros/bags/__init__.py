"""Recordings: reading, writing, replaying, recording and labelling rosbag2."""

from ..libraries import needed

with needed('reading bags', 'rosbags', "pip install 'rosbags>=0.11,<0.12'"):
    import rosbags as rosbags
