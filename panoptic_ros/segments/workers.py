"""
Compiling and running the kernels of the cpu method.

numba's own ``parallel=True`` is not used: its threading layers either forbid calls from several
threads or forbid ``fork``.  Kernels release the interpreter's lock instead, take their
work by tickets, and run on a few threads of ours.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from ..libraries import needed

with needed("decoding method 'cpu' (beside method 'reference')", 'numba', 'pip install numba'):
    import numba
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic

    from .kernel_cache import keep

Tickets = npt.NDArray[np.int64]
Function = TypeVar('Function', bound=Callable[..., Any])
_MOST_THREADS = 8


def compiled(function: Function) -> Function:
    """
    Compile a function on its first call; keep the machine code on disk, see ``kernel_cache``.

    Floats keep their order of evaluation: results are those of NumPy, to the last bit.
    """
    return _compiled(function)


def inner(function: Function) -> Function:
    """
    Compile a function that compiled ones call, and that makes no arrays itself.

    Nothing counts the references to arrays then.  Threads would share the counters, and to take
    arrays out of named tuples would cost more than most of these functions do.
    """
    return _compiled(function, _nrt=False)


def inlined(function: Function) -> Function:
    """
    Compile an ``inner`` function into the place that calls it, which should be only one.

    A call copies all parts of the arrays in its parameters, some hundred numbers: too much to do
    for each patch.
    """
    return _compiled(function, _nrt=False, forceinline=True)


def _compiled(function: Function, **options: Any) -> Function:
    dispatcher = numba.njit(nogil=True, error_model='numpy', **options)(function)
    keep(dispatcher)
    return cast(Function, dispatcher)


def _take_ticket(typing_context: Any, tickets: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.atomic_rmw('add', array.data, ir.Constant(ir.IntType(64), 1), 'monotonic')

    return types.int64(tickets), generate


take_ticket = cast(Callable[[Tickets], int], intrinsic(_take_ticket))
"""Return ``tickets[0]`` and add one to it, atomically; for kernels."""


def _trailing_zeros(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return (types.int64(types.uint64), generate) if word == types.uint64 else None


trailing_zeros = cast(Callable[[np.uint64], int], intrinsic(_trailing_zeros))
"""Return how many bits under the lowest one are 0, of a word that is not 0; for kernels."""


int64 = cast(Callable[[Any], int], np.int64)
"""Make an integer of the one type that functions are compiled for, not of a literal's own."""


def thread_count() -> int:
    """Return how many threads run a kernel: the cores, or NUMBA_NUM_THREADS, at most 8."""
    configured: int = numba.config.NUMBA_NUM_THREADS    # type: ignore[attr-defined]
    return min(_MOST_THREADS, configured)


@lru_cache(maxsize=1)
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_MOST_THREADS - 1, thread_name_prefix='grouping')


os.register_at_fork(after_in_child=_helpers.cache_clear)    # threads do not survive a fork


def run(kernel: Callable[..., None], *arguments: object) -> None:
    """
    Call ``kernel(tickets, *arguments)`` on every thread, and wait for all.

    The kernel takes tickets, counted from 0, until there is no work for the one it got.  An
    argument that is a list holds one for each thread.
    """
    tickets = np.zeros(1, np.int64)

    def own(worker: int) -> list[Any]:
        return [argument[worker] if isinstance(argument, list) else argument
                for argument in arguments]

    helpers = [_helpers().submit(kernel, tickets, *own(worker))
               for worker in range(1, thread_count())]
    kernel(tickets, *own(0))
    for helper in helpers:
        if not helper.cancel():     # one that has not begun would find no work
            helper.result()
