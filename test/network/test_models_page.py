"""docs/models.md is what its tool writes, which itself takes too long for a test."""

import sys
from pathlib import Path

import pytest

pytest.importorskip('torch', reason='the tool measures networks of PyTorch')

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs' / 'models.md').read_text(encoding='utf-8')

pytestmark = pytest.mark.torch


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    import models_report
    yield models_report
    for name in [name for name in sys.modules if name.startswith('models_')]:
        del sys.modules[name]


def test_the_page_is_what_the_tool_writes(report, capsys):
    assert report.main(['--check']) == 0, capsys.readouterr().out


@pytest.mark.parametrize(('old', 'new'), [
    ('an image of the input', 'a picture of the input'), ('| mobile |', '| mobile | more |'),
    ('were built by', 'were made by')])
def test_a_difference_is_told(old, new, report, tmp_path, monkeypatch, capsys):
    assert old in PAGE
    changed = tmp_path / 'models.md'
    changed.write_text(PAGE.replace(old, new), encoding='utf-8')
    monkeypatch.setattr(report, 'DOCUMENT', changed)
    assert report.main(['--check']) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if line.startswith('-') and new in line]


def test_networks_that_predict_masks_are_listed_with_what_is_published(report):
    part = report.PARTS[1]
    rows = report.rows_of(PAGE)
    assert set(part.NAMES) & set(rows) >= {'masks-mobile', 'mask2former-r50', 'eomt-s'}
    for name in set(part.NAMES) & set(rows):
        _, pq, parameters, *_ = (cell.strip() for cell in rows[name].strip('|').split('|'))
        known = part.PUBLISHED.get(name)
        figures = [value for value in (known.coco, known.cityscapes) if value] if known else []
        assert [float(word) for word in pq.split() if word[0].isdecimal()] == figures
        ours, *theirs = (float(figure) for figure in parameters.split('/'))
        assert theirs == ([] if known is None or known.parameters is None
                          else [pytest.approx(ours, rel=0.02)])
