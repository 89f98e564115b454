from pathlib import Path

from .metadata import ModelError, ModelMetadata
from .onnx_engine import OnnxEngine
from .protocol import Engine

__all__ = ['Engine', 'ModelError', 'ModelMetadata', 'OnnxEngine', 'load']


def load(path: str | Path, threads: int = 0) -> Engine:
    """
    Load an ONNX file for the processor; a plan, which needs a GPU, is for ``Segmenter.open``.

    Raises
    ------
    FileNotFoundError, ModelError, ImportError
        As ``OnnxEngine`` does; ``ModelError`` also for another ending.

    """
    if Path(path).suffix != '.onnx':
        raise ModelError(f'{path}: expected a model file that ends in .onnx')
    return OnnxEngine(path, threads)
