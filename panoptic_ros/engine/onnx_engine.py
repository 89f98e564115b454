"""The engine on ONNX Runtime, for machines without a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..heads import Heads
from .metadata import HEADS, ModelError, ModelMetadata
from .onnx_runtime import load_onnxruntime


class OnnxEngine:
    """
    A network in an ONNX file, executed on the CPU by ONNX Runtime.

    Parameters
    ----------
    path
        An ONNX file that keeps the engine contract.
    threads
        Threads of one inference; 0 leaves it to the runtime, one per physical core.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ModelError
        It is not an ONNX model, or one that does not keep the contract.
    ImportError
        ONNX Runtime is not installed.

    """

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        runtime = load_onnxruntime()
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f'no model file {path}: give the path of an .onnx file, or '
                                    'reinstall the package, which ships streets.onnx')
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4         # errors are raised: they need no line of their own
        # A spinning pool would take the cores from the grouping that follows each inference.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        try:
            self._session: Any = runtime.InferenceSession(
                str(path), options, providers=['CPUExecutionProvider'])
        except Exception as error:      # the runtime's errors have no common base of their own
            raise ModelError(f'{path} is not a model that ONNX Runtime can load: '
                             f'{error}') from error
        self.metadata = ModelMetadata.from_properties(
            self._session.get_modelmeta().custom_metadata_map, str(path))
        self._check_contract(path)
        self.description = f'ONNX Runtime {runtime.__version__}, CPU'

    def __call__(self, images: npt.NDArray[np.uint8]) -> list[Heads]:
        """Run the network; see ``Engine``."""
        expected = self.metadata.shapes['image']
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != expected:
            raise ValueError(f'images are {images.dtype} {images.shape}: expected uint8 '
                             f'(N, {", ".join(map(str, expected))})')
        semantic, center, offset = self._session.run(HEADS, {'image': images})
        return [self.metadata.heads(semantic[n], center[n, 0], offset[n])
                for n in range(len(images))]

    def close(self) -> None:
        """Release the session."""
        self._session = None

    def _check_contract(self, path: Path) -> None:
        inputs = {i.name: (i.type, tuple(i.shape)) for i in self._session.get_inputs()}
        outputs = {o.name: tuple(o.shape) for o in self._session.get_outputs()}
        kind, shape = inputs.get('image', ('absent', ()))
        expected = self.metadata.shapes
        if kind != 'tensor(uint8)' or shape[1:] != expected['image']:
            raise ModelError(f'{path}: input image is {kind} {shape}: the engine contract asks '
                             f'for tensor(uint8) (N, {", ".join(map(str, expected["image"]))})')
        for name in HEADS:
            found = outputs.get(name, ())
            if found[1:] != expected[name]:
                raise ModelError(f'{path}: output {name} is {found or "absent"}: the engine '
                                 f'contract asks for (N, {", ".join(map(str, expected[name]))})')
