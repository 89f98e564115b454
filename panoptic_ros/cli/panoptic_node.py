"""The executable of the lifecycle node."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..node.process import leave, run
from .command import command


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the node until it is interrupted; ROS arguments follow ``--ros-args``."""
    leave(run(list(sys.argv[1:] if argv is None else argv)))


if __name__ == '__main__':
    main()
