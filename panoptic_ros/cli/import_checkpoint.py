"""
Import a public checkpoint of detectron2 or bowenc0221: .pkl, .pth or .safetensors.

Nothing in the file is executed.  The network is recognised by the names and shapes of the entries,
and each entry must be used.  The result is a checkpoint, from which `export` makes a model:

    import_checkpoint model_final.pkl -o r52.pt
    export r52.pt -o r52.onnx --size 1024x2048
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ..arguments import image_size
from ..labels import LabelSpace
from ..report import add_json_argument, print_table, write_json
from .command import command, torch_needed

if TYPE_CHECKING:
    from ..network.families.deeplab.config import NetworkConfig
    from ..network.families.deeplab.importing.conversion import Conversion
    from ..network.importing.comparison import Comparison


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Import one file."""
    parser = _parser()
    args = parser.parse_args(argv)
    with torch_needed(parser, 'importing'):
        from ..network.checkpoint import CheckpointError
    try:
        problem = _import(args)
    except (CheckpointError, OSError, ValueError) as error:
        problem = str(error)
    if problem:
        parser.exit(1, f'{parser.prog}: {problem}\n')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='import_checkpoint', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('file', type=Path, metavar='FILE', help='checkpoint to read')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='CHECKPOINT.pt',
                        help='file to write')
    parser.add_argument('--ema', action='store_true',
                        help='take the weights that were averaged over the training, where a file '
                        'has them beside the last ones')
    parser.add_argument('--labels', metavar='NAME|YAML',
                        help='label space (default: by the number of classes, cityscapes or coco)')
    parser.add_argument('--allow-left-over', action='append', default=[], metavar='NAME',
                        help='name of an entry that may stay unused, or a pattern with * and ?; '
                        'may be given again')
    parser.add_argument('--output-stride', type=int, choices=(16, 32),
                        help='output stride of the training (default: as published)')
    parser.add_argument('--crop', type=image_size, metavar='HxW',
                        help='size of the crops in training, over which the network averages '
                        '(default: as published)')
    parser.add_argument('--keys', action='store_true', help='print the name of every entry')
    add_json_argument(parser)
    return parser


def _import(args: argparse.Namespace) -> str:
    """Print the comparison and write the checkpoint; return what prevents writing, or ''."""
    from ..network.families.deeplab.importing.conversion import Conversion
    from ..network.importing.reading import read_source

    given = LabelSpace.load(args.labels) if args.labels else None
    with Console().status(f'reading {args.file}'):
        conversion = Conversion.of(read_source(args.file, args.ema), args.output_stride,
                                   args.crop, args.allow_left_over)
    comparison = conversion.comparison
    print('\n'.join(_recognised(conversion, args)))
    _print_comparison(comparison, args.keys)
    report: dict[str, Any] = {
        'file': conversion.source.name, 'sha256': conversion.source.sha256,
        'format': conversion.source.format, 'source': conversion.layout.source,
        'network': conversion.config.to_dict(), 'classes': conversion.layout.classes,
        'complete': comparison.complete, 'entries': comparison.to_dict()}
    write_json(args.json, report)
    if not comparison.complete:
        return (f'{args.output} is not written, as {_problems(comparison)}. Entries may be left '
                'over by --allow-left-over NAME only')
    labels = conversion.label_space(given)
    conversion.checkpoint(labels).save(args.output)
    print(f'{args.output}: label space {labels.name!r}; next: export {args.output} -o '
          f'{args.output.with_suffix(".onnx")} {_export_options(conversion.config, labels)}')
    return ''


def _recognised(conversion: Conversion, args: argparse.Namespace) -> list[str]:
    """Return in a few lines which network the file holds, and how it was recognised."""
    config, layout = conversion.config, conversion.layout
    lines = [
        f'{conversion.source.name}: {conversion.source.format}',
        f'network {config.name!r}, written by {layout.source}: {len(conversion.comparison.used)} '
        f'of its {len(layout.shapes)} entries have its names and shapes',
        f'{layout.classes} classes, by the shape of the predictor',
        f'output stride {config.output_stride} (not in the weights: '
        f'{_origin(args.output_stride)})']
    if config.window is not None:
        lines.append(f'trained with crops of {config.window[0]}x{config.window[1]} (not in the '
                     f'weights: {_origin(args.crop)})')
    if conversion.comparison.normalisation:
        same = (config.mean, config.deviation) == (layout.config.mean, layout.config.deviation)
        lines.append(f'normalisation of the file, {"as" if same else "other than"} published: '
                     f'mean {config.mean}, deviation {config.deviation}, '
                     f'{"RGB" if config.rgb else "BGR"}')
    return lines


def _print_comparison(comparison: Comparison, names: bool) -> None:
    groups = {
        'used': comparison.used, 'used, as normalisation': comparison.normalisation,
        'missing': comparison.missing, 'missing, counters of training': comparison.counters,
        'of another shape': [f'{name} {found}, expected {expected}' for name, (found, expected)
                             in comparison.mismatched.items()],
        'left over': comparison.left_over, 'left over, as allowed': comparison.allowed}
    print_table('Entries', ('', 'count'), [(name, len(found)) for name, found in groups.items()])
    for name, found in groups.items():
        if found and names:
            print('\n    '.join((f'{name}:', *found)))


def _problems(comparison: Comparison) -> str:
    """Return the first entries that are missing, left over or of another shape, in words."""
    groups = {'missing': comparison.missing, 'left over': comparison.left_over,
              'of another shape': tuple(comparison.mismatched)}
    return ', '.join(
        f'{len(found)} {"entry is" if len(found) == 1 else "entries are"} {name} '
        f'({", ".join(found[:3])}{", ..." if len(found) > 3 else ""})'
        for name, found in groups.items() if found)


def _origin(given: object) -> str:
    return 'as published' if given is None else 'as given'


def _export_options(config: NetworkConfig, labels: LabelSpace) -> str:
    """Return the size and the thresholds of the source's evaluation."""
    if labels.name == 'coco':
        height, width = config.window or (640, 640)
        return (f'--size {height}x{width} --deeplab.nms-kernel 41 '
                '--deeplab.stuff-area 4096')
    return '--size 1024x2048'


if __name__ == '__main__':
    main()
