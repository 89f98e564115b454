"""What a forked process finds."""

import gc
import os
import signal
from collections.abc import Callable


def holds_in_a_fork(check: Callable[[], bool]) -> bool:
    """Return what ``check`` finds in a forked copy of this process, False where it raises."""
    child = os.fork()
    if child == 0:
        status = 1
        signal.alarm(60)            # whatever it waits for
        gc.disable()                # which may wait for threads that were not forked
        try:
            status = 0 if check() else 1
        finally:
            os._exit(status)        # or it would go on as a second pytest
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
