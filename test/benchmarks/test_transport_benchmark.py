"""The rivals of the transport really run; how fast they are is not tested."""

import json

import cv2
import numpy as np
import pytest

from panoptic_ros.benchmarks.transport_plot import draw_latencies
from panoptic_ros.cli.benchmark import main


@pytest.mark.slow
@pytest.mark.ros
def test_every_rival_brings_images_through(tmp_path, capsys):
    main(['transport', '--size', '48x64', '--seconds', '1', '--rounds', '1', '--rate', '10',
          '--json', str(tmp_path / 'report.json'), '--plot', str(tmp_path / 'latency.png')])
    report = json.loads((tmp_path / 'report.json').read_text())
    assert list(report['rivals']) == ['relay', 'node', 'tuned relay', 'tuned node']
    for name, figures in report['rivals'].items():
        assert figures['sent'] == 10, name
        assert 0 < figures['received'] <= 10, name
        assert 0 < figures['p50_ms'] <= figures['p99_ms'] <= figures['max_ms'], name
    expected = report['rivals']['node']['p50_ms'] / report['rivals']['relay']['p50_ms']
    assert report['ratios']['node / relay']['p50_ms'] == pytest.approx(expected)
    assert 'published to received' in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / 'latency.png')) is not None


def test_a_faster_rival_is_drawn_further_left():
    picture = draw_latencies({'slow': [40.0] * 20 + [60.0], 'fast': [10.0] * 20 + [11.0]})
    area = picture[60:340, 62:738].astype(int)
    slow = np.nonzero((area[..., 2] - area[..., 0]) > 80)[1]
    fast = np.nonzero((area[..., 0] - area[..., 2]) > 80)[1]
    assert np.median(fast) * 2 < np.median(slow)
