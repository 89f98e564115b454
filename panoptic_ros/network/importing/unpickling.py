"""Pickled data, interpreted opcode by opcode: nothing in it is imported or called."""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Mapping
from typing import BinaryIO, Protocol, runtime_checkable

from ..checkpoint import CheckpointError

Globals = Mapping[str, object]
"""The names, ``module.name``, that a pickle may use, and what stands in for each here."""

MOST_OPERATIONS = 1_000_000
"""The most opcodes and items of a pickle; a public checkpoint has some 10,000 to 100,000."""

MOST_DEPTH = 100
"""The deepest nesting of lists, tuples and dictionaries."""

_LARGEST_KEY = 1 << 32
"""Larger integers can be chosen so that all of them have the same hash in a dictionary."""


@runtime_checkable
class Buildable(Protocol):
    """An object that a pickle makes first and fills afterwards."""

    def build(self, state: object) -> None:
        """Take over the state."""


class Unpickler:
    """
    The opcodes of the pickle protocols 0 to 5 that plain data and arrays need.

    Work and memory are bounded by budgets and by the pickle's own length.  The pickle is tokenised
    before anything is made.  Keys are texts and small numbers.  Only the stand-ins make objects.
    The result must keep the budgets also when it is walked through, with every reference followed.

    Parameters
    ----------
    source
        The pickle, or a stream, which afterwards stands behind it.
    known
        The names that it may use.
    persistent
        Returns a stand-in for an object that the pickle keeps outside itself, from what the pickle
        says about it.  Without this function there must be no such object.

    """

    def __init__(self, source: bytes | BinaryIO, known: Globals,
                 persistent: Callable[[object], object] | None = None) -> None:
        self._stream = io.BytesIO(source) if isinstance(source, bytes) else source
        self._known, self._persistent = known, persistent
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}
        self._size = self._made = 0
        self.operations = 0
        """The cost of the pickle so far; see ``MOST_OPERATIONS``."""

    def load(self) -> object:
        """
        Return what was pickled.

        Raises
        ------
        CheckpointError
            The pickle is damaged, names or does something that data does not need, or would cost
            more than the budgets allow.

        """
        try:
            start = self._stream.tell()
            self._size = self._stream.seek(0, io.SEEK_END) - start
            self._stream.seek(start)
            for opcode, argument, _ in pickletools.genops(self._stream):
                self._charge(1)
                self._execute(opcode.name, argument)
            result = self._stack.pop()
            self._walk(result)
        except CheckpointError:
            raise
        except Exception as error:    # damaged bytes raise errors of any kind
            raise CheckpointError(f'no pickle, or a damaged one: {error!r:.200}') from error
        return result

    def _execute(self, name: str, argument: object) -> None:
        stack = self._stack
        if name in _IGNORED or (name == 'PROTO' and argument in range(6)):
            return
        if name in _LITERALS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name]())
        elif name == 'MARK':
            self._marks.append(len(stack))
        elif name in ('BINPUT', 'LONG_BINPUT', 'PUT'):
            assert isinstance(argument, int)
            self._memo[argument] = stack[-1]
        elif name == 'MEMOIZE':
            self._memo[len(self._memo)] = stack[-1]
        elif name in ('BINGET', 'LONG_BINGET', 'GET'):
            assert isinstance(argument, int)
            stack.append(self._memo[argument])
        elif name == 'TUPLE':
            stack.append(tuple(self._pop_mark()))
        elif name in _TUPLES:
            stack.append(tuple(self._pop(_TUPLES[name])))
        elif name == 'LIST':
            stack.append(self._pop_mark())
        elif name == 'DICT':
            stack.append(_fill({}, self._pop_mark()))
        elif name in ('APPEND', 'APPENDS'):
            items = self._pop(1) if name == 'APPEND' else self._pop_mark()
            target = stack[-1]
            if not isinstance(target, list):
                raise CheckpointError('the pickle appends to something that is not a list')
            target.extend(items)
        elif name in ('SETITEM', 'SETITEMS'):
            items = self._pop(2) if name == 'SETITEM' else self._pop_mark()
            _fill(stack[-1], items)
        elif name == 'GLOBAL':
            stack.append(self._find(str(argument).replace(' ', '.')))
        elif name == 'STACK_GLOBAL':
            parts = self._pop(2)
            if not all(isinstance(part, str) for part in parts):
                raise CheckpointError('the pickle names something by what is not a text')
            stack.append(self._find('.'.join(str(part)[:200] for part in parts)))
        elif name == 'REDUCE':
            function, arguments = self._pop(2)
            if not callable(function) or not isinstance(arguments, tuple):
                raise CheckpointError('the pickle calls something that is not callable')
            self._charge(sum(len(argument) for argument in arguments
                             if isinstance(argument, (list, tuple, dict))))
            result = function(*arguments)
            if isinstance(result, (bytes, dict)):
                self._made += len(result)
                if self._made > self._size:     # the same argument again and again
                    raise CheckpointError('the pickle makes more than it holds')
            stack.append(result)
        elif name == 'BINPERSID' and self._persistent is not None:
            stack.append(self._persistent(stack.pop()))
        elif name == 'BUILD':
            state, target = stack.pop(), stack[-1]
            # The attributes of an OrderedDict hold no weights.
            if isinstance(target, Buildable):
                target.build(state)
            elif not isinstance(target, dict):
                raise CheckpointError(f'the pickle gives a {type(target).__name__} a state')
        else:
            raise CheckpointError(f'the pickle uses {name}, which no weights need')

    def _charge(self, operations: int) -> None:
        self.operations += operations
        if self.operations > MOST_OPERATIONS:
            raise CheckpointError(f'the pickle costs more than {MOST_OPERATIONS:,} operations: '
                                  f'refused, as weights need far fewer. {_ADVICE}')

    def _walk(self, result: object) -> None:
        """Walk through the result; an object counts as often as it is referred to."""
        pending = [(result, 1)]
        while pending:
            value, depth = pending.pop()
            items = (value.values() if isinstance(value, dict)
                     else value if isinstance(value, (list, tuple)) else ())
            self._charge(len(items))
            if depth > MOST_DEPTH:
                raise CheckpointError(f'the pickle nests more than {MOST_DEPTH} levels deep: '
                                      f'refused, as weights never do. {_ADVICE}')
            pending.extend((item, depth + 1) for item in items
                           if isinstance(item, (dict, list, tuple)))

    def _find(self, name: str) -> object:
        if name not in self._known:
            raise refusal(name)
        return self._known[name]

    def _pop(self, count: int) -> list[object]:
        floor = self._marks[-1] if self._marks else 0
        if len(self._stack) - count < floor:
            raise CheckpointError('the pickle is damaged: it takes more than it has')
        items = self._stack[-count:]
        del self._stack[-count:]
        return items

    def _pop_mark(self) -> list[object]:
        mark = self._marks.pop()
        items = self._stack[mark:]
        del self._stack[mark:]
        return items


def refusal(name: str) -> CheckpointError:
    """Return the error for a pickle that uses a name which weights do not need."""
    return CheckpointError(
        f'the pickle names {name:.100}: refused, as weights need nothing but arrays and plain '
        f'data. {_ADVICE}')


def _fill(target: object, items: list[object]) -> object:
    """Set alternating keys and values; a key of nested tuples could take for ever to hash."""
    if not isinstance(target, dict) or len(items) % 2:
        raise CheckpointError('the pickle sets items of something that is not a dictionary')
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, (str, bytes, int, float, type(None))):
            raise CheckpointError(f'the pickle has a {type(key).__name__} for a key: expected '
                                  'texts and numbers')
        if isinstance(key, int) and abs(key) > _LARGEST_KEY:
            raise CheckpointError('the pickle has a number of more than 32 bits for a key')
        target[key] = value
    return target


_ADVICE = ('If you trust whoever made the file, save its weights alone where it was made: '
           "torch.save({name: tensor, ...}, 'weights.pth')")
_IGNORED = {'FRAME', 'STOP'}
_LITERALS = {'INT', 'BININT', 'BININT1', 'BININT2', 'LONG', 'LONG1', 'LONG4', 'FLOAT', 'BINFLOAT',
             'STRING', 'BINSTRING', 'SHORT_BINSTRING', 'UNICODE', 'BINUNICODE',
             'SHORT_BINUNICODE', 'BINUNICODE8', 'BINBYTES', 'SHORT_BINBYTES', 'BINBYTES8',
             'BYTEARRAY8'}
_CONSTANTS: dict[str, Callable[[], object]] = {
    'NONE': lambda: None, 'NEWTRUE': lambda: True, 'NEWFALSE': lambda: False,
    'EMPTY_TUPLE': tuple, 'EMPTY_LIST': list, 'EMPTY_DICT': dict}
_TUPLES = {'TUPLE1': 1, 'TUPLE2': 2, 'TUPLE3': 3}
