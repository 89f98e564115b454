"""The networks of this package: their sizes beside the published figures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.progress import track

from ..network.families.deeplab.variants import PRESETS, PUBLISHED
from ..report import add_json_argument, print_table, write_json
from .command import command, torch_needed


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
    for name in track(args.networks or list(PRESETS), 'measuring'):
        published = PUBLISHED.get(name)
        corners = PRESETS[name].align_corners or (published and published.multiply_adds)
        size = measure(PRESETS[name], (1025, 2049) if corners else (1024, 2048))
        report[name] = {**asdict(size), 'published': asdict(published) if published else None}
    _print(report)
    write_json(args.json, report)


def _print(report: dict[str, dict[str, Any]]) -> None:
    rows = []
    for name, entry in report.items():
        published = entry['published'] or {}
        rows.append((name, _beside(entry['parameters'] / 1e6, published.get('parameters')),
                     _beside(entry['multiply_adds'] / 1e9, published.get('multiply_adds')),
                     published.get('pq', ''), published.get('source', '')))
    print_table('millions of parameters (M), thousand millions of multiply-adds for 19 classes at '
                '1024x2048 or 1025x2049 (G); behind a stroke and last: published',
                ('network', 'M', 'G', 'PQ', 'by'), rows)


def _beside(measured: float, published: float | None) -> str:
    return f'{measured:.2f}' + ('' if published is None else f' / {published:.2f}')


if __name__ == '__main__':
    main()
