"""NumPy arrays in a pickle: stand-ins for the functions that would rebuild them."""

from __future__ import annotations

import math
import re
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..checkpoint import CheckpointError


class PickledType:
    """A ``numpy.dtype`` of numbers; its state holds the order of the bytes."""

    def __init__(self, code: object, *_: object) -> None:
        # never str() of anything else: nested tuples can have a text larger than any memory
        if not isinstance(code, str) or not re.fullmatch('[<>=|]?(f[248]|i[1248]|[ub]1)', code):
            found = repr(code[:50]) if isinstance(code, str) else f'a {type(code).__name__}'
            raise CheckpointError(f'an array has {found} for its type: expected that of numbers')
        self.dtype: np.dtype[np.generic] = np.dtype(code)

    def build(self, state: object) -> None:
        """Take (version, byte order, ...)."""
        assert isinstance(state, tuple)
        if state[1] in ('<', '>'):
            self.dtype = self.dtype.newbyteorder(state[1])


class PickledArray:
    """A ``numpy.ndarray``: the bytes that the pickle holds, and how to read them."""

    def __init__(self, *_: object) -> None:
        self._raw: bytes | bytearray | str = b''
        self._dtype: np.dtype[np.generic] = np.dtype('f4')
        self._shape: tuple[int, ...] = (0,)
        self._order: Literal['C', 'F'] = 'C'

    def build(self, state: object) -> None:
        """Take (version, shape, type, Fortran order, bytes)."""
        assert isinstance(state, tuple)
        _, shape, kind, fortran, raw = state
        if not isinstance(raw, (bytes, bytearray, str)) or not isinstance(kind, PickledType) \
                or not isinstance(shape, tuple):
            raise CheckpointError('an array in the pickle is damaged')
        if len(shape) > 8 or not all(isinstance(s, int) and 0 <= s <= len(raw) for s in shape) \
                or math.prod(shape) * kind.dtype.itemsize != len(raw):
            raise CheckpointError(f'an array of {kind.dtype} in the pickle claims another shape '
                                  f'than its {len(raw)} bytes have')
        self._raw, self._dtype, self._shape = raw, kind.dtype, shape
        self._order = 'F' if fortran else 'C'

    @property
    def nbytes(self) -> int:
        """Bytes that ``array`` takes in memory."""
        return len(self._raw)

    def array(self) -> npt.NDArray[np.generic]:
        """Return a copy, in this machine's byte order."""
        # Python 2 wrote the bytes as text.
        raw = self._raw.encode('latin1') if isinstance(self._raw, str) else self._raw
        array = np.frombuffer(raw, self._dtype).reshape(self._shape, order=self._order)
        return array.astype(self._dtype.newbyteorder('='))


def _from_buffer(raw: object, kind: object, shape: object, order: object) -> PickledArray:
    array = PickledArray()
    array.build((1, shape, kind, order == 'F', raw))
    return array


def _scalar(kind: object, raw: object) -> PickledArray:
    return _from_buffer(raw, kind, (), 'C')


def _encode(text: object, encoding: object = 'latin1') -> bytes:
    """Bytes as Python 3 writes them for protocols 0 to 2."""
    if not isinstance(text, str) or encoding not in ('latin1', 'latin-1'):
        raise CheckpointError('the pickle encodes something that is not bytes')
    return text.encode('latin1')


def ordered_dict(pairs: object = ()) -> dict[str, object]:
    """Stand in for ``collections.OrderedDict``; Python 2 gives it its items as pairs."""
    if not isinstance(pairs, (list, tuple)) or not all(
            isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str)
            for pair in pairs):
        raise CheckpointError('the pickle fills a dictionary with something that is not pairs')
    return dict(pairs)


ARRAY_GLOBALS: dict[str, object] = {
    'collections.OrderedDict': ordered_dict,
    '_codecs.encode': _encode,
    'numpy.dtype': PickledType,
    'numpy.ndarray': PickledArray,
    **{f'numpy.{core}.{name}': stand_in for core in ('core', '_core')
       for name, stand_in in (('multiarray._reconstruct', PickledArray),
                              ('multiarray.scalar', _scalar),
                              ('numeric._frombuffer', _from_buffer))}}
