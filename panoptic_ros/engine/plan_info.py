"""The description of a plan: what it was built from, with which TensorRT, and for which GPU."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any

from ..plain_data import Between, Length, check, read, show
from ..trust import UntrustedError
from .metadata import ModelError, ModelMetadata

FORMAT = 1
"""This number rises when the sidecar's fields or the steps of a build change their meaning."""

BUILD_AGAIN = 'build it again with `ros2 run panoptic_ros build_engine`'

_IDENTITY = ('tensorrt', 'gpu', 'target', 'onnx_sha256', 'precision', 'batch', 'options',
             'kernels_sha256')


Word = Annotated[str, Length(200)]
Count = Annotated[int, Between(1, 4096)]


class PlanError(ModelError):
    """A plan is not whole, or not what it claims; ``reason`` is the message without the cure."""

    def __init__(self, reason: str, cure: str = BUILD_AGAIN) -> None:
        super().__init__(f'{reason}; {cure}')
        self.reason = reason


@contextmanager
def trusting() -> Iterator[None]:
    """Turn ``UntrustedError``, for files that others may have written, into ``PlanError``."""
    try:
        yield
    except UntrustedError as error:
        raise PlanError(error.reason, error.cure) from error


@dataclass(frozen=True)
class PlanInfo:
    """
    The description of a plan, which its sidecar holds.

    It says what the plan was built from, with which TensorRT, and for which GPU.
    """

    onnx_sha256: Word
    """Hash of the ONNX file, as it was before conversion."""
    tensorrt: Word
    """Product and version, such as 'TensorRT 10.13.3.9'."""
    gpu: Word
    """Name of the GPU, or 'any sm_89' for a plan that every GPU of its target can run."""
    target: Word
    """Compute capability of the GPU, such as 'sm_89'."""
    precision: Word
    batch: tuple[Count, Count, Count]
    """Fewest, usual and most images at once."""
    kernels_sha256: Word
    """Hash of the sources of the kernels in the cubin."""
    properties: Annotated[dict[str, str], Length(1 << 20)]
    """Metadata of the ONNX file, for ``ModelMetadata.from_properties``."""
    options: dict[str, Any] = field(default_factory=dict)
    """All other options of the build."""
    checked: Annotated[str, Length(4096)] = ''
    """The precision that was found in the network, in words."""
    created: Word = ''
    """Time of the build, in UTC, ISO 8601."""

    def __post_init__(self) -> None:
        check(self)
        if list(self.batch) != sorted(self.batch):
            raise ValueError(f'batch is {self.batch}: expected three counts of images, rising')

    @property
    def key(self) -> str:
        """Hash over everything that decides what the plan's bytes do."""
        identity = {'format': FORMAT} | {name: getattr(self, name) for name in _IDENTITY}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    @property
    def model_key(self) -> str:
        """Hash over the request, without TensorRT's version and the calibration images."""
        options = {k: v for k, v in self.options.items() if k != 'calibration'}
        product = self.tensorrt.rpartition(' ')[0]
        identity = [self.onnx_sha256, self.precision, self.batch, options, product, self.gpu]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def metadata(self, source: str) -> ModelMetadata:
        """
        Return the model's metadata; ``source`` names the plan in errors.

        Raises
        ------
        ModelError
            A property is missing or unreadable.

        """
        return ModelMetadata.from_properties(self.properties, source)

    def difference(self, wanted: PlanInfo) -> str | None:
        """Return in words why this plan is not the wanted one; None if it is."""
        for name in _IDENTITY:
            found, expected = getattr(self, name), getattr(wanted, name)
            if found != expected:
                return _describe(name, found, expected)
        return None

    def to_json(self, **seals: Mapping[str, Any]) -> str:
        """Return the sidecar's text, with the seals of the files that it vouches for."""
        data = {'format': FORMAT, 'key': self.key} | asdict(self) | seals
        return json.dumps(data, indent=2) + '\n'

    @classmethod
    def from_json(cls, text: str, source: str) -> PlanInfo:
        """
        Read what ``to_json`` wrote; ``source`` names the sidecar in errors.

        Raises
        ------
        PlanError
            The text is no JSON object, lacks a field, or has a key that its fields do not make.

        """
        data = read_object(text, source)
        missing = [f.name for f in fields(cls) if f.name not in data]
        if missing:
            raise PlanError(f'{source} lacks {", ".join(missing)}')
        try:
            info = read(cls, data)
        except ValueError as error:
            raise PlanError(f'{source}: {error}') from error
        if data.get('key') != info.key:
            raise PlanError(f'{source} was altered: key is {show(data.get("key"))} but its fields '
                            f'make {info.key!r}')
        return info


def read_object(text: str, source: str) -> dict[str, Any]:
    """
    Return the fields in a sidecar's text; ``source`` names the sidecar in errors.

    Raises
    ------
    PlanError
        The text is no JSON object, or another version of this package wrote it.

    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f'{source} is not JSON ({error})') from error
    if not isinstance(data, dict):
        raise PlanError(f'{source} is a JSON {type(data).__name__}: expected an object')
    if data.get('format') != FORMAT:
        raise PlanError(f'{source} has format {show(data.get("format"))}: expected {FORMAT}; it '
                        'was written by another version of panoptic_ros')
    return data


def _describe(name: str, found: Any, expected: Any) -> str:
    if name == 'tensorrt':
        return f'built by {found}, this is {expected}'
    if name in ('gpu', 'target'):
        return f'built for {found}, this is {expected}'
    if name == 'onnx_sha256':
        return f'built from an ONNX file {found[:8]}..., this is {expected[:8]}...'
    if name == 'kernels_sha256':
        return f'built with kernels {found[:8]}..., these are {expected[:8]}...'
    if name == 'options':
        name = next(k for k in {**found, **expected} if found.get(k) != expected.get(k))
        found, expected = found.get(name), expected.get(name)
    return f'built with {name} {found}, asked for is {expected}'
