"""The one place that imports ONNX Runtime; the package has disabled its telemetry before."""

from __future__ import annotations

from typing import Any

from ..libraries import needed


def load_onnxruntime() -> Any:
    """
    Return the module onnxruntime.

    Raises
    ------
    ImportError
        The package is not installed, or cannot be imported.

    """
    with needed('running .onnx models', 'onnxruntime', 'pip install onnxruntime', 'ONNX Runtime'):
        import onnxruntime
    return onnxruntime
