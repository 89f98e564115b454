"""
Export a checkpoint as an ONNX file for an engine, and compare the file with PyTorch.

An exported Panoptic-DeepLab can be exported again, for an input of another size.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from .. import families
from ..arguments import image_size
from ..engine import ModelMetadata
from ..engine.onnx_file import OnnxFile
from ..pipelines.contract import contract
from ..plain_data import show
from ..report import add_json_argument, write_json
from ..segments.grid import FITS
from .command import command, torch_needed
from .family_arguments import FamilyOptions, add_family_arguments

if TYPE_CHECKING:
    from ..network.checkpoint import Checkpoint

DEFAULT_SIZE = (512, 1024)


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Export one checkpoint."""
    parser = _parser()
    args = parser.parse_args(argv)
    with torch_needed(parser, 'exporting'):
        from ..network.checkpoint import Checkpoint, CheckpointError
        from ..network.export import ExportError, export_onnx
        from ..network.size import measure
    try:
        quality, given = _quality(args.quality), FamilyOptions.of(args)
        before = _before(args.checkpoint)
        if before is None:
            checkpoint = Checkpoint.load(args.checkpoint)
            args.size = args.size or _size(checkpoint)
        else:
            from ..network.families.deeplab.unfolding import unfold
            checkpoint = unfold(args.checkpoint, None)
            args.size, args.fit = args.size or before.input_size, args.fit or before.fit
        checkpoint = with_smoothing(checkpoint, args.smoothing, before)
        options = _options(given, checkpoint, args.size, before)
        console = Console()
        with console.status('exporting'):
            difference = export_onnx(checkpoint, args.output, args.size, args.tolerance,
                                     console.print, fit=args.fit, quality=quality,
                                     options=options)
    except (CheckpointError, ExportError, ImportError, OSError, ValueError) as error:
        parser.exit(1, f'{parser.prog}: {error}\n')
    network = measure(checkpoint.config, args.size, len(checkpoint.label_space))
    report: dict[str, Any] = {
        'file': args.output.name, 'bytes': args.output.stat().st_size,
        'parameters': network.parameters, 'multiply_adds': network.multiply_adds,
        'difference': difference, 'tolerance': args.tolerance, 'quality': quality}
    print(f'{args.output}: {report["bytes"] / 1e6:.2f} MB, '
          f'{report["parameters"] / 1e6:.2f} million parameters, '
          f'{report["multiply_adds"] / 1e9:.2f} billion multiply-adds at '
          f'{args.size[0]}x{args.size[1]}; largest difference from PyTorch {difference:.1e} '
          'of the largest value')
    write_json(args.json, report)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='export', description=__doc__)
    parser.add_argument('checkpoint', type=Path, metavar='CHECKPOINT',
                        help='file that `train` or `import_checkpoint` wrote; or a '
                        'Panoptic-DeepLab that was exported, .onnx, whose options and way to fit '
                        'images are kept')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='MODEL.onnx',
                        help='file to write')
    parser.add_argument('--size', type=image_size, metavar='HxW',
                        help="the network's input (default: as a training here saw the frames, "
                        'else 512x1024)')
    parser.add_argument('--fit', choices=FITS, help='how images of another shape are brought to '
                        'the input: stretched, or padded at their own shape (default: as the '
                        "network's source does it; networks that are trained here stretch)")
    parser.add_argument('--smoothing', type=float, nargs=2, metavar=('UNSURE', 'SURE'),
                        help='of Panoptic-DeepLab: smooth the classes of frames of which the '
                        'network is unsure, fully at a mean probability of UNSURE or less and '
                        'not at all at SURE or more, such as 0.74 0.86; padding counts as unsure; '
                        '0 0 for never (default: as the exported file does it, else never)')
    parser.add_argument('--quality', type=Path, metavar='JSON',
                        help='report of `evaluate --json` to keep in the model')
    parser.add_argument('--tolerance', type=float, default=1e-4,
                        help="largest difference from PyTorch, as a share of an output's largest "
                        'value (default: %(default)s)')
    add_family_arguments(parser, 'the published value, of an area for the size; the model '
                         'recommends them')
    add_json_argument(parser)
    return parser


def _size(checkpoint: Checkpoint) -> tuple[int, int]:
    """Return the size in which frames were shown to the network, where a training says it."""
    height, width = checkpoint.training.get('input_size', DEFAULT_SIZE)
    return height, width


def _before(path: Path) -> ModelMetadata | None:
    """Return what the file says if it is an export itself."""
    return OnnxFile.read(path, contract).metadata if path.suffix == '.onnx' else None


def with_smoothing(checkpoint: Checkpoint, given: Sequence[float] | None,
                   before: ModelMetadata | None) -> Checkpoint:
    """
    Return the checkpoint of a network that smooths as it is told, or as it did before.

    Raises
    ------
    ValueError
        No network of its family smooths, or what is given or was before is no smoothing.

    """
    from ..network.families.deeplab.config import NetworkConfig

    wanted = given or (before.layout.get('smoothing') if before else None)
    if wanted is None:
        return checkpoint
    if not isinstance(checkpoint.config, NetworkConfig):
        raise ValueError(f'--smoothing is for networks of Panoptic-DeepLab: '
                         f'{checkpoint.config.name} is none, so leave it out')
    try:
        unsure, sure = map(float, wanted)
    except (TypeError, ValueError) as error:
        raise ValueError(f'the file says smoothing is {show(wanted)}: expected two numbers; '
                         'give --smoothing') from error
    return replace(checkpoint, config=replace(
        checkpoint.config, smoothing=(unsure, sure) if (unsure, sure) != (0, 0) else None))


def _options(given: FamilyOptions, checkpoint: Checkpoint, size: tuple[int, int],
             before: ModelMetadata | None) -> dict[str, Any]:
    """Return the options for the model to recommend: those that differ from the published ones."""
    from ..network.families import find
    config = checkpoint.config
    family = families.find(config.family)
    published = family.options()
    suited = replace(published, **(find(config.family).options(config, size) if before is None
                                   else before.options))
    wanted = given.applied(family, suited)
    return {name: value for name, value in asdict(wanted).items()
            if value != getattr(published, name)}


def _quality(path: Path | None) -> dict[str, Any]:
    """Return the figures of an evaluation that the model keeps."""
    if path is None:
        return {}
    report = json.loads(path.read_text(encoding='utf-8'))
    try:
        quality = report['panoptic_quality']
        return {'source': report['source'], 'frames': report['frames'],
                **{group: {name: quality[group][name] for name in ('pq', 'sq', 'rq')}
                   for group in ('all', 'things', 'stuff')}}
    except (KeyError, TypeError) as error:
        raise ValueError(f'{path} is not a report of `evaluate --json`: {error!r} is '
                         'missing') from error


if __name__ == '__main__':
    main()
