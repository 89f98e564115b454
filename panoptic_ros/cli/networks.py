"""The networks of this package: their sizes beside the published figures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.progress import track

from ..network.families.deeplab import variants as deeplab
from ..network.families.fpn import variants as fpn
from ..network.families.fpn.recipes import MOBILE_FPN
from ..network.families.masks import variants as masks
from ..network.families.masks.recipes import NETWORKS as MASKS_OF_OURS
from ..report import add_json_argument, print_table, write_json
from .command import command, say, torch_needed

if TYPE_CHECKING:
    from ..network.family import Configuration

PRESETS: dict[str, Configuration] = {
    **deeplab.PRESETS, **MASKS_OF_OURS, **masks.PRESETS, MOBILE_FPN.name: MOBILE_FPN,
    **fpn.PRESETS}
_CLASSES, _COCO = 19, 133


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write it to the file of ``--json``."""
    parser = argparse.ArgumentParser(prog='networks', description=__doc__)
    parser.add_argument('networks', nargs='*', metavar='NETWORK',
                        help=f'some of {", ".join(PRESETS)} (default: all)')
    add_json_argument(parser)
    args = parser.parse_args(argv)
    unknown = sorted(set(args.networks) - set(PRESETS))
    if unknown:
        parser.error(f'no network {unknown[0]!r}: expected some of {", ".join(PRESETS)}')
    with torch_needed(parser, 'measuring'):
        from ..network.size import measure
    report: dict[str, dict[str, Any]] = {}
    without = ''
    for name in track(args.networks or list(PRESETS), 'measuring'):
        try:
            size = measure(PRESETS[name], _input(name),
                           _COCO if name in fpn.PRESETS else _CLASSES)
        except ImportError as error:
            if args.networks:
                parser.exit(1, f'{parser.prog}: {error}\n')
            without = str(error)        # the networks of the other libraries are still worth it
            continue
        report[name] = {**asdict(size), 'published': _published(name)}
    _print(report)
    if without:
        say(parser.prog, f'networks are left out: {without}')
    write_json(args.json, report)


def _input(name: str) -> tuple[int, int]:
    """Return the size of the image for which a network is measured."""
    if name in deeplab.PRESETS:
        published = deeplab.PUBLISHED.get(name)
        odd = deeplab.PRESETS[name].align_corners or (published and published.multiply_adds)
        return (1025, 2049) if odd else (1024, 2048)
    config = masks.PRESETS.get(name)
    return (640, 640) if config and config.model == 'eomt' else (1024, 2048)


def _published(name: str) -> dict[str, Any] | None:
    """Return the figures that were published of a network."""
    if name in deeplab.PRESETS:
        published = deeplab.PUBLISHED.get(name)
        return asdict(published) if published else None
    if name in fpn.PRESETS:
        return {'source': fpn.PUBLISHED[name].source, 'pq': None,
                'coco_pq': fpn.PUBLISHED[name].coco, 'parameters': None, 'multiply_adds': None}
    figures = masks.PUBLISHED.get(name)
    return figures and {
        'source': figures.source, 'pq': figures.cityscapes, 'coco_pq': figures.coco,
        'parameters': figures.parameters, 'multiply_adds': None}


def _print(report: dict[str, dict[str, Any]]) -> None:
    rows = []
    for name, entry in report.items():
        published = entry['published'] or {}
        rows.append((name, _beside(entry['parameters'] / 1e6, published.get('parameters')),
                     _beside(entry['multiply_adds'] / 1e9, published.get('multiply_adds')),
                     published.get('pq') or '', published.get('coco_pq', ''),
                     published.get('source', '')))
    print_table('millions of parameters (M), thousand millions of multiply-adds for 19 classes at '
                '1024x2048 or 1025x2049, of EoMT at 640x640, of Panoptic-FPN for 133 classes (G); '
                'behind a stroke and last: published, PQ for Cityscapes and for COCO',
                ('network', 'M', 'G', 'PQ', 'COCO', 'by'), rows)


def _beside(measured: float, published: float | None) -> str:
    return f'{measured:.2f}' + ('' if published is None else f' / {published:.2f}')


if __name__ == '__main__':
    main()
