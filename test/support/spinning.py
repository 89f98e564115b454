"""An executor that spins in a thread of its own, and ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from rclpy.executors import Executor


@contextmanager
def spinning(executor: Executor, patience: float = 60.0) -> Iterator[None]:
    """Spin during the block; a ``shutdown`` from another thread could leave ``spin`` waiting."""
    ended = Event()

    def spin() -> None:
        while not ended.is_set():
            executor.spin_once(0.2)

    thread = Thread(target=spin, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(patience)
