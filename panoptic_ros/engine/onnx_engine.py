"""The engine on ONNX Runtime, for machines without a GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .contract import Tensor, check_contract, image_spec, outputs_of
from .external_data import check_inside, external_files
from .metadata import Contract, ModelError, ModelMetadata
from .onnx_file import read_onnx
from .onnx_runtime import load_onnxruntime


class OnnxEngine:
    """
    A network in an ONNX file, executed on the CPU by ONNX Runtime.

    Parameters
    ----------
    path
        An ONNX file that keeps the engine contract.
    contract
        Tells which tensors the network has to put out.
    threads
        Threads of one inference; 0 leaves it to the runtime, one per physical core.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ModelError
        The file is no ONNX model, or does not keep the contract.
    ImportError
        ONNX Runtime is not installed.

    """

    def __init__(self, path: str | Path, contract: Contract, threads: int = 0) -> None:
        runtime = load_onnxruntime()
        path = Path(path)
        if path.suffix != '.onnx':
            raise ModelError(f'{path}: expected a model file that ends in .onnx')
        if not path.is_file():
            raise FileNotFoundError(f'no model file {path}: give the path of an .onnx file, or '
                                    'reinstall the package, which ships streets.onnx')
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4         # errors are raised and need no line in the log
        # A spinning pool would take the cores from the decoder, which follows each inference.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        options.add_session_config_entry('session.load_model_format', 'ONNX')
        self._session: Any = _open(runtime, path, options)
        try:
            properties = self._session.get_modelmeta().custom_metadata_map
        except UnicodeDecodeError as error:
            raise ModelError(f'{path} has metadata that cannot be read: {error}') from error
        self.metadata = ModelMetadata.from_properties(properties, str(path))
        self._outputs = outputs_of(self.metadata, contract, str(path))
        self._check_contract(path)
        self.description = f'ONNX Runtime {runtime.__version__}, CPU'

    def __call__(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[Any]]:
        """Run the network; see ``Engine``."""
        expected = image_spec(self.metadata)
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != expected.shape:
            raise ValueError(f'images are {images.dtype} {images.shape}: expected {expected}')
        names = list(self._outputs)
        return dict(zip(names, self._session.run(names, {'image': images}), strict=True))

    def close(self) -> None:
        """Release the session."""
        self._session = None

    def _check_contract(self, path: Path) -> None:
        inputs, outputs = (
            {tensor.name: Tensor(_type_of(tensor), tuple(tensor.shape or ()))
             for tensor in tensors}
            for tensors in (self._session.get_inputs(), self._session.get_outputs()))
        batch = check_contract(path, self.metadata, self._outputs, (inputs, outputs))
        if batch not in (None, 1):
            raise ModelError(f'{path}: input image is {inputs["image"]}, which is {batch} images '
                             'at once: on the processor a model takes one; export it with a '
                             'symbolic batch')


def _open(runtime: Any, path: Path, options: Any) -> Any:
    """Return a session, after checking the other files that the model makes the runtime read."""
    content = read_onnx(path)
    try:
        files = external_files(content)
        check_inside(path, files)
        # The session gets the bytes that were checked.  Only a model with other files is loaded
        # by its path, from which the runtime finds these.
        return runtime.InferenceSession(str(path) if files else content, options,
                                        providers=['CPUExecutionProvider'])
    except Exception as error:      # the runtime's errors have no common base of their own
        raise ModelError(f'{path} is not a model that ONNX Runtime can load: '
                         f'{error}') from error


def _type_of(tensor: Any) -> str:
    """Return NumPy's name of a tensor's type; other types, such as sequences, stay as they are."""
    name = str(tensor.type)
    inner = name[len('tensor('):-1] if name.startswith('tensor(') else name
    return {'float': 'float32', 'double': 'float64'}.get(inner, inner)
