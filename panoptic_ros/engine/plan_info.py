"""What a plan was built from, by what and for what."""

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
"""Counts up when the sidecar's fields, or what building does by itself, change their meaning."""

BUILD_AGAIN = 'build it again with `ros2 run panoptic_ros build_engine`'

_IDENTITY = ('tensorrt', 'gpu', 'target', 'onnx_sha256', 'precision', 'batch', 'options',
             'kernels_sha256')


Word = Annotated[str, Length(200)]
Count = Annotated[int, Between(1, 4096)]


class PlanError(ModelError):
    """A plan that is not whole, or not what it says; ``reason`` leaves out the cure."""

    def __init__(self, reason: str, cure: str = BUILD_AGAIN) -> None:
        super().__init__(f'{reason}; {cure}')
        self.reason = reason


@contextmanager
def trusting() -> Iterator[None]:
    """Raise ``PlanError`` for what others may have written."""
    try:
        yield
    except UntrustedError as error:
        raise PlanError(error.reason, error.cure) from error


@dataclass(frozen=True)
class PlanInfo:
    """What a plan was built from, by what and for what; its sidecar holds it."""

    onnx_sha256: Word
    """Of the ONNX file, as it was before conversion."""
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
    """Of the sources of the kernels in the cubin."""
    properties: Annotated[dict[str, str], Length(1 << 20)]
    """Metadata of the ONNX file, for ``ModelMetadata.from_properties``."""
    options: dict[str, Any] = field(default_factory=dict)
    """What else the build was asked for."""
    checked: Annotated[str, Length(4096)] = ''
    """The precision as found in the network, for people."""
    created: Word = ''
    """When, in UTC, ISO 8601."""

    def __post_init__(self) -> None:
        check(self)
        if list(self.batch) != sorted(self.batch):
            raise ValueError(f'batch is {self.batch}: expected three counts of images, rising')

    @property
    def key(self) -> str:
        """Hash over all that decides what the plan's bytes do."""
        identity = {'format': FORMAT} | {name: getattr(self, name) for name in _IDENTITY}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    @property
    def model_key(self) -> str:
        """Hash over what was asked for, whichever version and images met the request."""
        options = {k: v for k, v in self.options.items() if k != 'calibration'}
        product = self.tensorrt.rpartition(' ')[0]
        identity = [self.onnx_sha256, self.precision, self.batch, options, product, self.gpu]
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def metadata(self, source: str) -> ModelMetadata:
        """
        Return what the model says about itself; ``source`` names the plan in errors.

        Raises
        ------
        ModelError
            A property is missing or unreadable.

        """
        return ModelMetadata.from_properties(self.properties, source)

    def difference(self, wanted: PlanInfo) -> str | None:
        """Say in words why this plan is not the wanted one, or None where it is."""
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
            The text is no JSON object, lacks a field, or contradicts itself.

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
    Return the fields in a sidecar's text; ``source`` names it in errors.

    Raises
    ------
    PlanError
        The text is no JSON object, or one of another version of this package.

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
