from pathlib import Path

from .metadata import ModelError, ModelMetadata
from .onnx_engine import OnnxEngine
from .protocol import Engine

__all__ = ['Engine', 'ModelError', 'ModelMetadata', 'OnnxEngine', 'load']


def load(path: str | Path, threads: int = 0) -> Engine:
    """
    Load a model file with the runtime that its name's ending asks for.

    Raises
    ------
    FileNotFoundError, ModelError, ImportError
        As the engine's own constructor does; ``ModelError`` also for an unknown ending.

    """
    if Path(path).suffix != '.onnx':
        raise ModelError(f'{path}: expected a model file that ends in .onnx')
    return OnnxEngine(path, threads)
