from .metadata import Contract, ModelError, ModelMetadata, Output
from .onnx_engine import OnnxEngine
from .protocol import Engine

__all__ = ['Contract', 'Engine', 'ModelError', 'ModelMetadata', 'OnnxEngine', 'Output']
