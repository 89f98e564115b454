"""
What a cubin says about its kernels: architecture, parameters, registers and memory.

A cubin is an ELF file.  The layout of NVIDIA's sections is not documented.  The tests compare what
is read here with what the compiler itself says, for every architecture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_HEADER = struct.Struct('<16sHHIQQQIHHHHHH')
_SECTION = struct.Struct('<IIQQQQIIQQ')
_SYMBOL = struct.Struct('<IBBHQQ')
_FRAME_SIZE, _REGISTERS, _PARAMETER = 0x11, 0x2f, 0x17
_SIZED = 4
"""The format of attributes whose value is a block of bytes."""
_NO_BITS = 8
"""The type of sections that take no room in the file."""
_RESERVED = 1024
"""Bytes of shared memory per block that CUDA keeps; from sm_90 on a cubin counts them."""


class KernelResources(NamedTuple):
    """The resources that each block or thread of a kernel occupies."""

    registers: int
    """Registers per thread."""
    shared: int
    """Bytes of static shared memory per block."""
    local: int
    """Bytes of local memory per thread, for arrays indexed at run time and spilt registers."""


class _Section(NamedTuple):
    name: str
    data: bytes
    size: int
    link: int


def architecture(cubin: bytes) -> str:
    """
    Return what a cubin was compiled for, such as 'sm_89'.

    Raises
    ------
    ValueError
        It is not a cubin.

    """
    if cubin[:4] != b'\x7fELF' or len(cubin) < _HEADER.size:
        raise ValueError(f'these {len(cubin)} bytes are not a cubin')
    flags = _HEADER.unpack_from(cubin)[7]
    # CUDA 13 writes version 8 of the format, in which the number stands one byte higher.
    return f'sm_{(flags >> 8 if cubin[8] >= 8 else flags) & 0xff}'


def kernel_resources(cubin: bytes) -> dict[str, KernelResources]:
    """
    Return what each kernel of a cubin occupies.

    Raises
    ------
    ValueError
        It is not a cubin, or a truncated one.

    """
    reserved = _RESERVED if int(architecture(cubin)[3:]) >= 90 else 0
    sections = _sections(cubin)
    names = _symbols(sections)
    shared = {s.name.removeprefix('.nv.shared.'): s.size - reserved for s in sections.values()
              if s.name.startswith('.nv.shared.')}
    found: dict[str, dict[int, int]] = {}
    for attribute, value in _attributes(sections['.nv.info'].data):
        if attribute in (_FRAME_SIZE, _REGISTERS):
            symbol, number = struct.unpack('<II', value)
            found.setdefault(names[symbol], {})[attribute] = number
    return {name: KernelResources(numbers[_REGISTERS], shared.get(name, 0),
                                  numbers.get(_FRAME_SIZE, 0))
            for name, numbers in found.items() if f'.nv.info.{name}' in sections}


def parameter_sizes(cubin: bytes) -> dict[str, tuple[int, ...]]:
    """
    Return the bytes of each parameter of each kernel, in order.

    Raises
    ------
    ValueError
        It is not a cubin, or a truncated one.

    """
    sizes = {}
    for section in _sections(cubin).values():
        if section.name.startswith('.nv.info.'):
            found = {}
            for attribute, value in _attributes(section.data):
                if attribute == _PARAMETER:
                    _, ordinal, packed = struct.unpack('<III', value)
                    found[ordinal & 0xffff] = packed >> 18
            sizes[section.name.removeprefix('.nv.info.')] = tuple(
                size for _, size in sorted(found.items()))
    return sizes


def _sections(cubin: bytes) -> dict[str, _Section]:
    architecture(cubin)
    header = _HEADER.unpack_from(cubin)
    start, entry, count, names = header[6], header[11], header[12], header[13]
    try:
        rows = [_SECTION.unpack_from(cubin, start + n * entry) for n in range(count)]
        ends = [row[4] + row[5] for row in rows if row[1] != _NO_BITS]
        if max(*ends, header[5] + header[9] * header[10]) > len(cubin):
            raise IndexError
        texts = cubin[rows[names][4]:rows[names][4] + rows[names][5]]
        sections = [_Section(_text(texts, row[0]), cubin[row[4]:row[4] + row[5]], row[5], row[6])
                    for row in rows]
    except (struct.error, IndexError) as error:
        raise ValueError(f'these {len(cubin)} bytes are a truncated cubin') from error
    return {section.name: section for section in sections}


def _symbols(sections: dict[str, _Section]) -> list[str]:
    table = sections['.symtab'].data
    texts = sections['.strtab'].data
    return [_text(texts, _SYMBOL.unpack_from(table, at)[0])
            for at in range(0, len(table), _SYMBOL.size)]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and value of the attributes of an .nv.info section that have blocks."""
    at = 0
    while at + 4 <= len(data):
        form, attribute, size = struct.unpack_from('<BBH', data, at)
        at += 4
        if form == _SIZED:
            yield attribute, data[at:at + size]
            at += size


def _text(texts: bytes, start: int) -> str:
    return texts[start:texts.index(b'\0', start)].decode()
