"""How TensorRT is found, and what it says."""

import logging
import sys
from types import ModuleType

import pytest

from panoptic_ros.engine.tensorrt import (
    Message,
    collect_messages,
    complaints,
    describe_tensorrt,
    load_tensorrt,
    tensorrt_logger,
)


def fake(name, version='10.13.3.9'):
    module = ModuleType(name)
    module.__version__ = version
    return module


def test_tensorrt_comes_before_rtx(monkeypatch):
    monkeypatch.delenv('PANOPTIC_ROS_TENSORRT', raising=False)
    for name in ('tensorrt', 'tensorrt_rtx'):
        monkeypatch.setitem(sys.modules, name, fake(name))
    assert describe_tensorrt(load_tensorrt()) == 'TensorRT 10.13.3.9'
    monkeypatch.setitem(sys.modules, 'tensorrt', None)
    assert describe_tensorrt(load_tensorrt()) == 'TensorRT-RTX 10.13.3.9'


def test_the_environment_chooses(monkeypatch):
    for name in ('tensorrt', 'tensorrt_rtx'):
        monkeypatch.setitem(sys.modules, name, fake(name))
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'tensorrt_rtx')
    assert load_tensorrt().__name__ == 'tensorrt_rtx'
    monkeypatch.setitem(sys.modules, 'tensorrt_rtx', None)
    with pytest.raises(ImportError, match='tensorrt_rtx: '):
        load_tensorrt()
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'rtx')
    with pytest.raises(ImportError, match="is 'rtx': expected tensorrt or tensorrt_rtx"):
        load_tensorrt()


def test_without_either_both_install_lines_are_named(monkeypatch):
    monkeypatch.delenv('PANOPTIC_ROS_TENSORRT', raising=False)
    for name in ('tensorrt', 'tensorrt_rtx'):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'`pip install tensorrt` .*'
                       r'`pip install tensorrt-rtx`'):
        load_tensorrt()


def test_missing_shared_libraries_are_told(monkeypatch, tmp_path):
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'tensorrt')
    monkeypatch.delitem(sys.modules, 'tensorrt', raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'tensorrt.py').write_text('raise OSError("libnvinfer.so.10: not found")')
    with pytest.raises(ImportError, match=r'tensorrt: libnvinfer\.so\.10: not found'):
        load_tensorrt()


@pytest.mark.build
def test_messages_reach_listeners_and_logging(caplog):
    tensorrt = pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')
    logger = tensorrt_logger(tensorrt)
    assert tensorrt_logger(tensorrt) is logger
    severity = tensorrt.ILogger.Severity
    with caplog.at_level(logging.DEBUG, 'panoptic_ros'), collect_messages() as messages:
        logger.log(severity.ERROR, 'broken')
        logger.log(severity.VERBOSE, 'detail')
        logger.log(severity.WARNING, 'odd')
    logger.log(severity.ERROR, 'later')
    assert messages == [Message(logging.ERROR, 'broken'), Message(logging.WARNING, 'odd')]
    assert [r.getMessage() for r in caplog.records][:3] == ['broken', 'detail', 'odd']


@pytest.mark.build
def test_the_real_parser_speaks_through_the_logger():
    tensorrt = pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')
    logger = tensorrt_logger(tensorrt)
    with collect_messages() as messages:
        network = tensorrt.Builder(logger).create_network(0)
        assert not tensorrt.OnnxParser(network, logger).parse(b'no model')
    assert any(m.level >= logging.ERROR for m in messages)
    assert 'TensorRT gives no reason' not in complaints(messages)


@pytest.mark.parametrize(('messages', 'text'), [
    ([], 'TensorRT gives no reason'),
    ([Message(logging.INFO, 'fine')], 'TensorRT gives no reason'),
    ([Message(logging.WARNING, 'odd')], 'odd'),
    ([Message(logging.ERROR, 'a'), Message(logging.WARNING, 'odd'), Message(logging.ERROR, 'b'),
      Message(logging.CRITICAL, 'a')], 'a; b'),
    ([Message(logging.ERROR, str(n)) for n in range(9)], '4; 5; 6; 7; 8')])
def test_complaints_are_the_errors_or_else_the_warnings(messages, text):
    assert complaints(messages) == text
