import json

import cv2
import numpy as np
import pytest

from panoptic_ros.cli.streets import main
from panoptic_ros.streets import Drive


def test_it_writes_pairs_and_a_sheet(tmp_path):
    main(['--seed', '4', '--drives', '2', '--frames', '2', '--size', '64x128', '--rate', '5',
          '--output', str(tmp_path / 'out'), '--sheet', str(tmp_path / 'sheet.png'),
          '--json', str(tmp_path / 'report.json')])
    report = json.loads((tmp_path / 'report.json').read_text())
    names = [frame['name'] for frame in report['frames']]
    assert names == ['000004_0000000', '000004_0000200', '000005_0000000', '000005_0000200']
    image, truth = Drive(5, (64, 128)).frame(0.2)
    read = cv2.imread(str(tmp_path / 'out/images/000005_0000200.png'))
    labels = cv2.imread(str(tmp_path / 'out/labels/000005_0000200.png'), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read, image)
    assert labels.dtype == np.uint16
    assert np.array_equal(labels, truth.labels)
    assert cv2.imread(str(tmp_path / 'sheet.png')).shape == (4 * 320, 1280, 3)


@pytest.mark.parametrize('arguments', [
    [], ['--sheet', 'a.png', '--rate', '0'], ['--sheet', 'a.png', '--frames', '0'],
    ['--sheet', 'a.png', '--size', '64'], ['--sheet', 'a.png', '--seed', '-2']])
def test_bad_arguments_are_refused(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code not in (0, None)
    assert not list(tmp_path.iterdir())
