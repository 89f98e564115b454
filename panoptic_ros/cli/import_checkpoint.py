"""
Import a public checkpoint: a file of detectron2, bowenc0221 or Mask2Former, or a model's folder.

A file is a .pkl, .pth or .safetensors of a Panoptic-DeepLab, a Panoptic-FPN or a Mask2Former; a
folder is that of a Mask2Former or an EoMT of Hugging Face, with its config.json.  Nothing in it is
executed, and nothing is fetched.  The network is recognised by the names and shapes of the
entries, and each entry must be used.  The result is a
checkpoint, from which `export` makes a model:

    python -m panoptic_ros.cli.import_checkpoint model_final.pkl -o r52.pt
    python -m panoptic_ros.cli.export r52.pt -o r52.onnx --size 1024x2048
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
    from ..network.importing.comparison import Comparison


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Import one file or folder."""
    parser = _parser()
    args = parser.parse_args(argv)
    with torch_needed(parser, 'importing'):
        from ..network.checkpoint import CheckpointError
    try:
        problem = _import(args)
    except (CheckpointError, ImportError, OSError, ValueError) as error:
        problem = str(error)
    if problem:
        parser.exit(1, f'{parser.prog}: {problem}\n')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='import_checkpoint', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('file', type=Path, metavar='FILE|FOLDER', help='checkpoint to read')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='CHECKPOINT.pt',
                        help='file to write')
    parser.add_argument('--ema', action='store_true',
                        help='take the weights that were averaged over the training, where a file '
                        'has them beside the last ones')
    parser.add_argument('--labels', metavar='NAME|YAML',
                        help='label space; of a folder it must have the names of id2label '
                        '(default: cityscapes or coco, by the number of classes of a file and '
                        'by the names of the classes of a folder)')
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
    from ..network.family import ImportOptions
    from ..network.importing.recognition import recognise

    given = LabelSpace.load(args.labels) if args.labels else None
    with Console().status(f'reading {args.file}'):
        conversion = recognise(args.file, args.ema, ImportOptions(
            tuple(args.allow_left_over), args.output_stride, args.crop))
    comparison = conversion.comparison
    print('\n'.join(conversion.described()))
    _print_comparison(comparison, args.keys)
    report: dict[str, Any] = {
        'file': conversion.source.name, 'sha256': conversion.source.sha256,
        'format': conversion.source.format, 'source': conversion.origin,
        'network': conversion.config.to_dict(), 'classes': conversion.classes,
        'complete': comparison.complete, 'entries': comparison.to_dict()}
    write_json(args.json, report)
    if not comparison.complete:
        return (f'{args.output} is not written, as {_problems(comparison)}. Entries may be left '
                'over by --allow-left-over NAME only')
    labels = conversion.label_space(given)
    conversion.checkpoint(labels).save(args.output)
    # `export` alone is a command of the shell
    print(f'{args.output}: label space {labels.name!r}; next: python -m panoptic_ros.cli.export '
          f'{args.output} -o {args.output.with_suffix(".onnx")} '
          f'{conversion.export_arguments(labels)}')
    return ''


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


if __name__ == '__main__':
    main()
