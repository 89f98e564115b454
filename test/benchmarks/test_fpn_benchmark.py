"""The benchmark of detections, on small ones."""

import json

import pytest

from panoptic_ros.benchmarks import fpn
from panoptic_ros.benchmarks.memory import peak_mib
from panoptic_ros.cli.benchmark import main

pytestmark = [pytest.mark.torch, pytest.mark.slow]


def memory(prepare, case, side):
    """Import PyTorch in no process beside this one."""
    if side == 'cpu':
        return peak_mib(prepare, case, side)
    prepare(case, side)()
    return 1.0


def test_both_sides_are_measured_and_agree(tmp_path, capsys, monkeypatch):
    pytest.importorskip('torch')
    monkeypatch.setattr(fpn, 'peak_mib', memory)
    file = tmp_path / 'report.json'
    main(['fpn', '--size', '64x128', '--rounds', '1', '--json', str(file)])
    printed = capsys.readouterr().out
    report = json.loads(file.read_text())
    cases = report['cases']
    assert [(case['label_space'], case['kept']) for case in cases] == [
        ('coco', 100), ('cityscapes', 100), ('cityscapes', 30), ('coco', 100)]
    assert cases[-1]['size'] == [67, 120]
    for case in cases:
        assert case['case'] in printed
        assert case['pixels_equal']['reference'] == 1
        assert case['pixels_equal']['torch_rule'] > 0.999
        assert case['segments'] > 10
        times = case['milliseconds']
        assert case['times_faster']['torch_rule'] == times['torch_rule'] / times['cpu']
    assert report['memory_mib'].keys() == {'cpu', 'torch_rule'}
