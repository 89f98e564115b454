"""Computing a function of many items on a Ray cluster, in their order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .ray import connect, line_of

Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Generator[Any, None, None]]


@contextmanager
def spread(address: str) -> Iterator[Spread]:
    """
    Give a function that computes a function of many items on a cluster, as ``in_order`` does.

    Raises
    ------
    ImportError, OSError
        As for ``connect``.

    """
    ray = connect(address)
    try:
        yield in_order
    finally:
        ray.shutdown()


def in_order(call: Callable[[Any], Any], items: Iterable[Any]) -> Generator[Any, None, None]:
    """
    Yield what a function returns for each item, in their order, computed by the cluster.

    A machine or a process that goes away costs time alone: Ray computes the item again. A
    process keeps the function, and with it what the function opened.

    Raises
    ------
    Exception
        What the function raised.
    OSError
        The cluster lost an item too often.

    """
    import ray

    has = ray.cluster_resources()
    gpus = 1.0 if has.get('GPU') else 0.0
    # max_calls: see Cluster
    task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=3, max_calls=0)(_call)
    shared = ray.put(call)
    most = 4 * max(1, int(has.get('GPU' if gpus else 'CPU', 1)))
    pending: deque[Any] = deque()
    try:
        for item in items:
            pending.append(task.remote(shared.hex(), [shared], item))
            if len(pending) > most:
                yield _got(ray, pending.popleft())
        while pending:
            yield _got(ray, pending.popleft())
    finally:
        for reference in pending:
            ray.cancel(reference)


def _got(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, Exception) else error from None
    except ray.exceptions.RayError as error:
        raise OSError(f'the cluster lost a part of the work: {line_of(error)}') from error


_functions: dict[str, Any] = {}
"""The function of this process."""


def _call(name: str, shared: list[Any], item: Any) -> Any:
    """Call a function that this process keeps."""
    if name not in _functions:
        import ray

        if ids := ray.get_gpu_ids():
            os.environ['CUDA_VISIBLE_DEVICES'] = ','.join(map(str, ids))
        _functions.clear()
        _functions[name] = ray.get(shared[0])
    return _functions[name](item)
