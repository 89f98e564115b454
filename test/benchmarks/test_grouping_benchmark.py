"""The benchmark of the grouping, on small heads."""

import json

import pytest

from panoptic_ros.benchmarks import grouping
from panoptic_ros.cli.benchmark import main

pytestmark = [pytest.mark.torch, pytest.mark.slow]


def test_all_sides_are_measured_and_agree(tmp_path, capsys, monkeypatch):
    pytest.importorskip('torch')
    monkeypatch.setattr(grouping, 'CASES', (((128, 256), 4), ((128, 256), 20), ((64, 128), 4)))
    monkeypatch.setattr(grouping, 'measure_memory', lambda size: 1.0)
    file = tmp_path / 'report.json'
    main(['grouping', '--rounds', '1', '--full', '--json', str(file)])
    printed = capsys.readouterr().out
    report = json.loads(file.read_text())
    few, many, small = report['cases']
    assert few['found_instances'] < many['found_instances']
    assert (few['size'], small['size']) == ([128, 256], [64, 128])
    for case in report['cases']:
        assert case['pixels_equal_to_reference'] == 1
        times = case['milliseconds']
        assert times.keys() == {'torch_upsampling', 'cpu', 'reference', 'torch_full'}
        assert case['times_faster_than_torch_upsampling'] == (
            times['torch_upsampling'] / times['cpu'])
    growth = report['growth']
    assert growth['things'] == [few['found_instances'], many['found_instances']]
    assert growth['times'] == growth['milliseconds'][1] / growth['milliseconds'][0]
    assert f'{growth["times"]:.2f}x' in printed
