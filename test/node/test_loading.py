"""On which device a model is opened, and what is said of that."""

from unittest.mock import Mock

import pytest

from panoptic_ros.node import loading
from panoptic_ros.node.loading import gpu_is_expected, open_segmenter
from panoptic_ros.node.parameters import Settings


@pytest.fixture
def open_model(tiny_onnx):
    """A function that opens the tiny model and returns the reason and the log."""
    def open_model(**settings):
        log = Mock()
        segmenter, reason = open_segmenter(Settings(model=str(tiny_onnx), **settings), log,
                                           lambda: False, lambda _: None)
        segmenter.close()
        return reason, log
    return open_model


@pytest.mark.parametrize('expected', [True, False])
def test_falling_back_warns_where_a_gpu_is_expected(monkeypatch, open_model, expected):
    monkeypatch.setattr(loading, 'why_not_gpu', lambda _: 'the driver is too old')
    monkeypatch.setattr(loading, 'gpu_is_expected', lambda: expected)
    reason, log = open_model()
    assert reason == 'the driver is too old'
    said, silent = (log.warning, log.info) if expected else (log.info, log.warning)
    said.assert_called_once_with(
        'tiny.onnx runs on the CPU, not on a GPU: the driver is too old')
    silent.assert_not_called()


def test_a_cpu_that_was_asked_for_is_no_fallback(open_model):
    reason, log = open_model(runtime='onnxruntime')
    assert reason == 'runtime is onnxruntime'
    assert not log.method_calls


@pytest.mark.parametrize(('installed', 'library', 'expected'), [
    (True, OSError('no libcuda.so.1'), True), (False, OSError('no libcuda.so.1'), False),
    (False, AttributeError('too old'), True), (False, None, True)])
def test_a_gpu_is_expected_with_a_driver_or_tensorrt(monkeypatch, installed, library, expected):
    for name in loading.MODULES:
        monkeypatch.delitem(loading.sys.modules, name, raising=False)
    monkeypatch.setattr(loading, 'find_spec', lambda name: installed and name == 'tensorrt_rtx')
    monkeypatch.setattr(loading, 'load_libcuda', Mock(side_effect=library))
    assert gpu_is_expected() == expected
