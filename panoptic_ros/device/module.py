"""Compiled kernels, loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from .array import DeviceArray
from .context import Context
from .cubin import architecture, parameter_sizes
from .errors import DeviceError


class Module:
    """
    The kernels of a cubin; ``Device.load`` makes it.

    Raises
    ------
    DeviceError
        The bytes are a cubin for another architecture, or no cubin.

    """

    def __init__(self, context: Context, cubin: bytes) -> None:
        self._context = context
        self._functions: dict[str, Any] = {}
        try:
            built_for = architecture(cubin)
            self._sizes = parameter_sizes(cubin)
        except ValueError as error:
            raise DeviceError(f'the kernels cannot be loaded: {error}: build the plan again on '
                              'this machine') from error
        with context.using(
                f'loading kernels for {built_for}', cure=f'this GPU, {context.name}, is '
                f'{context.target}: build the plan again on this machine') as cuda:
            self._module = context.keep(cuda.module_from_buffer(cubin))

    def launch(self, name: str, grid: tuple[int, ...], block: tuple[int, ...],
               *arguments: DeviceArray | np.generic) -> None:
        """
        Enqueue a kernel on the device's stream.  Asynchronous.

        Parameters
        ----------
        name
            The name of the kernel's ``extern "C"`` function.
        grid, block
            Blocks, and threads of each, along x, y and z.
        arguments
            Arrays on the device, and NumPy scalars as wide as the kernel's parameters.

        Raises
        ------
        TypeError, ValueError
            The arguments are not those that the kernel takes.
        DeviceError
            There is no such kernel, CUDA refuses the launch, or earlier work failed.

        """
        values = [_value(name, argument) for argument in arguments]
        sizes = self._sizes.get(name)
        given = tuple(value.itemsize for value in values)
        if sizes is not None and given != sizes:
            raise ValueError(f'kernel {name} is given parameters of {given} bytes: expected '
                             f'{sizes}')
        self._find(name)
        with self._context.using(
                f'launching {name}',
                cure=f'grid {grid} or block {block} is more than this GPU has'):
            self._functions[name](*values, grid=_three(grid), block=_three(block),
                                  stream=self._context.stream)

    def close(self) -> None:
        """Unload the kernels."""
        self._functions.clear()
        self._module = None

    def _find(self, name: str) -> None:
        if name not in self._functions:
            if self._module is None:
                raise DeviceError(f'kernel {name} was unloaded: open the device again')
            with self._context.using(
                    f'looking for kernel {name}',
                    cure=f'expected one of {", ".join(sorted(self._sizes))}: build the plan '
                    'again with this version of panoptic_ros'):
                self._functions[name] = self._module.get_function(name)


def _value(name: str, argument: Any) -> np.number[Any]:
    if isinstance(argument, DeviceArray):
        return np.uintp(argument.pointer)
    if not isinstance(argument, np.number):
        raise TypeError(f'kernel {name} is given {argument!r}: expected a DeviceArray or a NumPy '
                        'scalar such as np.int32(3), which says its width')
    return argument


def _three(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(size) for size in (*sizes, 1, 1)[:3])
