"""Side-by-side measurements: ``benchmark grouping``, ``benchmark segmenter`` and so on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from ..report import add_json_argument, write_json
from .command import command

BENCHMARKS = {
    'evaluation': 'panoptic quality of 1024x2048 pairs against cityscapesscripts',
    'fleet': 'labelling many drives with one worker and two; what 10,000 jobs cost a driver',
    'fpn': 'decoding detections and stuff at 1024x2048 against PyTorch',
    'gpu': 'the GPU path: its kernels checked, decoder, image to labels, cameras, tests',
    'grouping': 'grouping at 1024x2048 against upsampling the heads with PyTorch',
    'masks': 'decoding mask queries at 1024x2048 against PyTorch',
    'robustness': 'quality under what real cameras do to an image, by cause and by class',
    'segmenter': 'stage times from camera image to labels',
    'streets': 'frames per second of the scene renderer',
    'transport': 'camera to labels over DDS at 1920x1080 beside a plain relay',
}


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run one benchmark of ``panoptic_ros.benchmarks``; the exit status is 1 if it cannot run."""
    parser = argparse.ArgumentParser(prog='benchmark', description=__doc__)
    commands = parser.add_subparsers(dest='benchmark', required=True)
    words = sys.argv[1:] if argv is None else argv
    try:
        for name, summary in BENCHMARKS.items():
            command = commands.add_parser(name, help=summary, description=summary)
            add_json_argument(command)
            if name in words[:1]:       # libraries of other benchmarks may be missing
                import_module(f'panoptic_ros.benchmarks.{name}').add_arguments(command)
        args = parser.parse_args(words)
        report = import_module(f'panoptic_ros.benchmarks.{args.benchmark}').run(args)
        write_json(args.json, report)
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f'benchmark: {error}')


if __name__ == '__main__':
    main()
