"""The names that detectron2 gives the entries of a backbone, which all of its networks share."""

from __future__ import annotations


def resnet(name: str) -> str:
    """Return the name of an entry of a ResNet, whose name here is given."""
    place, part, *rest = name.split('.')
    if place == 'stem':
        return convolution(f'stem.conv{int(part) + 1}', rest)
    block, kind, *rest = rest
    inside = 'shortcut' if kind == 'shortcut' else f'conv{int(rest.pop(0)) + 1}'
    return convolution(f'res{int(part) + 2}.{block}.{inside}', rest)


def convolution(prefix: str, rest: list[str]) -> str:
    """Name an entry of a convolution, ``['0', entry]``, or of the norm that it holds."""
    number, entry = rest
    return f'{prefix}.norm.{entry}' if number == '1' else f'{prefix}.{entry}'
