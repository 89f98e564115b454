"""The command ``train``, which logs every step: a test need not wait for the twentieth."""

from panoptic_ros.cli import train
from panoptic_ros.network import run

if __name__ == '__main__':
    run.LOG_EVERY = 1
    train.main()
