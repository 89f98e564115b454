"""A published folder becomes labels: imported, exported and run by the commands."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='networks need PyTorch')
pytest.importorskip('transformers', reason='pip install transformers scipy')
pytest.importorskip('scipy', reason='pip install transformers scipy')

import masks_networks as nets  # noqa: E402

from panoptic_ros import LabelSpace, Segmenter  # noqa: E402
from panoptic_ros.cli import evaluate, export, import_checkpoint, segment  # noqa: E402
from panoptic_ros.families import masks  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]

THRESHOLDS = ('--masks.object-threshold', '0.05', '--masks.overlap-threshold', '0.1')
"""Random weights are sure of nothing."""


def test_a_folder_becomes_the_labels_of_its_source(tmp_path, capsys):
    """Those of the rule, from what the source's own class gives for the same image."""
    kind, space = 'eomt', LabelSpace.load('cityscapes')
    source = nets.source(kind, seed=1)
    folder = nets.folder(source, tmp_path / 'published')
    model, image = tmp_path / 'eomt.onnx', nets.images(kind, seed=3)[0]
    import_checkpoint.main([str(folder), '-o', str(tmp_path / 'eomt.pt')])
    assert (f"next: python -m panoptic_ros.cli.export {tmp_path / 'eomt.pt'} -o {model}"
            in capsys.readouterr().out)
    export.main([str(tmp_path / 'eomt.pt'), '-o', str(model), '--size', '64x64', *THRESHOLDS])
    segmenter = Segmenter.open(model, 'cpu')
    assert segmenter.options == masks.Options(object_threshold=0.05, overlap_threshold=0.1)

    classes, logits = (tensor[0] for tensor in nets.outputs(source, image[None]))
    queries = masks.Queries(classes.astype(np.float32), logits.astype(np.float32), (64, 64))
    expected = masks.decode(queries, space, method='reference', options=segmenter.options)
    assert (len(expected.stuff), len(expected.things)) == (2, 1)
    found = segmenter(image)
    assert (found.labels == expected.labels).mean() > 0.999
    np.testing.assert_array_equal(found.segments.label, expected.segments.label)
    np.testing.assert_allclose(found.segments.score, expected.segments.score, atol=1e-3)

    cv2.imwrite(str(tmp_path / 'a.png'), image)
    segment.main([str(tmp_path / 'a.png'), '-o', str(tmp_path / 'out'), '--model', str(model)])
    np.testing.assert_array_equal(
        cv2.imread(str(tmp_path / 'out' / 'a_panoptic.png'), cv2.IMREAD_UNCHANGED), found.labels)
    evaluate.main(['--streets', '1', '--size', '96x192', '--model', str(model), '--workers', '1'])
    assert 'mIoU' in capsys.readouterr().out
