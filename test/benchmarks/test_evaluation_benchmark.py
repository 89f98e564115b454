import argparse
import json

import pytest

from panoptic_ros.benchmarks import evaluation


def test_both_sides_measure_the_same_quality():
    pytest.importorskip(evaluation.OFFICIAL, exc_type=ImportError,
                        reason='needs cityscapesscripts: run `make setup`')
    parser = argparse.ArgumentParser()
    evaluation.add_arguments(parser)
    report = evaluation.run(parser.parse_args(['--size', '64x128', '--pairs', '3']))
    quality = report['pq']
    assert quality['panoptic_ros'] == pytest.approx(quality['cityscapesscripts'], abs=1e-6)
    assert 1 < quality['panoptic_ros'] < 99
    assert json.loads(json.dumps(report)) == report
    median = report['median_ms']
    assert 0 < median['cityscapesscripts_computation'] < median['cityscapesscripts']
    assert report['ratios']['truth_file']['cityscapesscripts'] == pytest.approx(
        median['cityscapesscripts'] / median['truth_file'])
