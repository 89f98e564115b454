import sys

import pytest

from panoptic_ros.benchmarks.evaluation import OFFICIAL
from panoptic_ros.cli.benchmark import main


def test_a_library_that_is_missing_is_named_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, OFFICIAL, None)
    monkeypatch.setitem(sys.modules, 'cityscapesscripts', None)
    with pytest.raises(SystemExit, match=r'^benchmark: .* `pip install cityscapesscripts`'):
        main(['evaluation', '--pairs', '1'])


def test_a_model_is_found_by_its_name():
    with pytest.raises(SystemExit, match=r'^benchmark: .*models/nowhere\.onnx'):
        main(['segmenter', '--model', 'nowhere', '--size', '64x128', '--frames', '1'])


@pytest.mark.parametrize(('name', 'option'), [
    ('evaluation', '--pairs'), ('evaluation', '--runs'), ('fleet', '--drives'),
    ('fleet', '--frames'), ('fleet', '--rounds'), ('fpn', '--rounds'), ('gpu', '--rounds'),
    ('grouping', '--rounds'), ('masks', '--rounds'), ('robustness', '--frames'),
    ('segmenter', '--frames'), ('streets', '--frames'), ('transport', '--rounds')])
def test_nothing_to_measure_is_refused(name, option, capsys):
    with pytest.raises(SystemExit, match='2'):
        main([name, option, '0'])
    assert f"{option}: '0': expected a whole number from 1 on" in capsys.readouterr().err
