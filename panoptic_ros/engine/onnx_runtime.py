"""The one place that imports ONNX Runtime, which the package has forbidden to report by then."""

from __future__ import annotations

from typing import Any

from ..libraries import needed


def load_onnxruntime() -> Any:
    """
    Return the module onnxruntime.

    Raises
    ------
    ImportError
        It is not installed, or cannot be imported.

    """
    with needed('running .onnx models', 'onnxruntime', 'pip install onnxruntime', 'ONNX Runtime'):
        import onnxruntime
    return onnxruntime
