import argparse
import json

import pytest

from panoptic_ros.benchmarks import evaluation


def options(*arguments):
    parser = argparse.ArgumentParser()
    evaluation.add_arguments(parser)
    return parser.parse_args(['--size', '64x128', *arguments])


def test_both_sides_measure_the_same_quality(capsys):
    pytest.importorskip(evaluation.OFFICIAL, exc_type=ImportError,
                        reason='needs cityscapesscripts: run `make setup`')
    report = evaluation.run(options('--pairs', '3', '--runs', '2'))
    quality = report['pq']
    assert quality['panoptic_ros'] == pytest.approx(quality['cityscapesscripts'], abs=1e-6)
    assert 1 < quality['panoptic_ros'] < 99
    assert json.loads(json.dumps(report)) == report
    files, counting = report['median_ms']['files'], report['median_ms']['counting']
    for name in ('panoptic_ros', 'cityscapesscripts'):
        assert len(files[name]) == len(counting[name]) == 2
        assert all(0 < less < more for less, more in zip(counting[name], files[name], strict=True))
    assert len(report['ratios']['files']) == len(report['ratios']['counting']) == 2
    lowest, highest = min(report['ratios']['files']), max(report['ratios']['files'])
    assert f'{lowest:.1f} to {highest:.1f}' in ' '.join(capsys.readouterr().out.split())
