"""
Mixes the weights of two exports of one network: a training's start and its end.

A network that is trained on for another domain forgets the first.  Between the two weights there
are networks that are better on both (Wortsman and others, Robust fine-tuning, CVPR 2022).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def mix(start: onnx.ModelProto, end: onnx.ModelProto, share: float) -> onnx.ModelProto:
    """
    Return ``end`` with a share of its weights and the rest of those of ``start``.

    Raises
    ------
    ValueError
        The graphs, the shapes of their weights or the smoothing differ, or the share is not from
        0 to 1.

    """
    if not 0 <= share <= 1:
        raise ValueError(f'share is {share}: expected 0 (the start) to 1 (the end)')
    mixed = onnx.ModelProto()
    mixed.CopyFrom(end)
    first = {weight.name: numpy_helper.to_array(weight) for weight in start.graph.initializer}
    smoothings = [next((p.value for p in model.metadata_props
                        if p.key == 'panoptic_ros.smoothing'), '[0, 0]') for model in (start, end)]
    if smoothings[0] != smoothings[1]:
        raise ValueError(f'one smooths unsure frames by {smoothings[0]}, the other by '
                         f'{smoothings[1]}: export both again with the same `--smoothing`')
    kinds = [Counter(node.op_type for node in model.graph.node) for model in (start, end)]
    if kinds[0] != kinds[1]:
        raise ValueError('the graphs differ: expected two exports of one network, of one size')
    for weight in mixed.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT:
            continue
        last, other = numpy_helper.to_array(weight), first.get(weight.name)
        if other is None or other.shape != last.shape:
            raise ValueError(f'{weight.name} is not in both models with one shape: expected two '
                             'exports of one network; `export` the older file again, as weights '
                             'have had other names')
        between = (1 - share) * other + share * last
        weight.CopyFrom(numpy_helper.from_array(between.astype(np.float32), weight.name))
    return mixed


def main(argv: Sequence[str] | None = None) -> None:
    """Mix two files; the exit status is 1 if they do not go together."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('start', type=Path, metavar='START.onnx')
    parser.add_argument('end', type=Path, metavar='END.onnx', help='whose metadata are kept')
    parser.add_argument('share', type=float, help='share of the end, 0 to 1')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='FILE')
    args = parser.parse_args(argv)
    try:
        onnx.save(mix(onnx.load(args.start), onnx.load(args.end), args.share), args.output)
    except (OSError, ValueError) as error:
        sys.exit(f'mix_weights: {error}')


if __name__ == '__main__':
    main()
