"""On which device a model is opened, and what is said of that."""

from unittest.mock import Mock

import pytest

from panoptic_ros import Segmenter
from panoptic_ros.pipelines import opening
from panoptic_ros.segmenter import Setup


@pytest.fixture
def open_model(tiny_onnx):
    """A function that opens the tiny model and returns the reason, the log and the warnings."""
    def open_model(device='auto'):
        log, warn = Mock(), Mock()
        segmenter = Segmenter.open(tiny_onnx, device, setup=Setup(log=log, warn=warn))
        segmenter.close()
        return segmenter.reason, log, warn
    return open_model


@pytest.mark.parametrize('expected', [True, False])
def test_falling_back_warns_where_a_gpu_is_expected(monkeypatch, open_model, expected):
    monkeypatch.setattr(opening, 'why_not_gpu', lambda _: 'the driver is too old')
    monkeypatch.setattr(opening, 'gpu_is_expected', lambda: expected)
    reason, log, warn = open_model()
    assert reason == 'the driver is too old'
    said, silent = (warn, log) if expected else (log, warn)
    said.assert_called_once_with(
        'tiny.onnx runs on the CPU, not on a GPU: the driver is too old')
    silent.assert_not_called()


def test_a_cpu_that_was_asked_for_is_no_fallback(open_model):
    reason, log, warn = open_model('cpu')
    assert reason == 'the device asked for is cpu'
    log.assert_not_called()
    warn.assert_not_called()


@pytest.mark.parametrize(('installed', 'library', 'expected'), [
    (True, OSError('no libcuda.so.1'), True), (False, OSError('no libcuda.so.1'), False),
    (False, AttributeError('too old'), True), (False, None, True)])
def test_a_gpu_is_expected_with_a_driver_or_tensorrt(monkeypatch, installed, library, expected):
    for name in opening.MODULES:
        monkeypatch.delitem(opening.sys.modules, name, raising=False)
    monkeypatch.setattr(opening, 'find_spec', lambda name: installed and name == 'tensorrt_rtx')
    monkeypatch.setattr(opening, 'load_libcuda', Mock(side_effect=library))
    assert opening.gpu_is_expected() == expected
