"""The node's parameters: their meaning, their limits, and when they may change."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .. import families
from ..engine.precision import PRECISIONS
from ..families import Family
from ..families.options import FROM_MODEL, chosen, describe, foreign
from ..images import MAX_PIXELS, Limits
from ..resources import expand_home, model_path

TRANSPORTS = ('raw', 'compressed')
DEVICES = {'auto': 'auto', 'onnxruntime': 'cpu', 'tensorrt': 'gpu'}
"""The devices of ``Segmenter.open``, by the names of the runtimes."""
_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*')
MOST_CAMERAS = 64
"""Most cameras; each has a dozen topics, and its images wait for the turns of all others."""

LONGEST_PATH = 4096
"""Most characters of a path, as in Linux."""


def _parameter(default: Any, description: str, limits: tuple[float, float] | None = None, *,
               constraints: str = '', read_only: bool = False, structural: bool = False) -> Any:
    return field(default=default, metadata={
        'description': description, 'limits': limits, 'constraints': constraints,
        'read_only': read_only, 'structural': structural})


@dataclass(frozen=True)
class Settings:
    """
    The values of all parameters at one moment.

    Each field is a parameter, except ``options``, which holds the parameters of the families.

    Raises
    ------
    ValueError
        A value is out of range; whoever sets it gets the message as the reason.

    """

    autostart: bool = _parameter(
        True, 'Configure and activate without a lifecycle manager.', read_only=True)
    required: bool = _parameter(
        False, 'End the process with exit code 1 if autostart cannot configure and activate the '
        'node at the start; otherwise the node waits to be repaired.', read_only=True)
    build_only: bool = _parameter(
        False, 'Build the plan for this GPU, and end.', read_only=True)
    model: str = _parameter(
        'streets', 'Name of a shipped model or path of an .onnx or .plan file.', structural=True)
    runtime: str = _parameter(
        'auto', 'Runtime of an .onnx model: TensorRT on a GPU, ONNX Runtime on the CPU; auto '
        'takes a GPU if there is one.', constraints='auto, onnxruntime or tensorrt',
        structural=True)
    precision: str = _parameter(
        'fp16', 'Precision in which a GPU computes an .onnx model; int8 needs a plan that '
        'build_engine has calibrated.', constraints='fp32, fp16 or int8', structural=True)
    gpu: int = _parameter(0, 'Number of the GPU.', (0, 63), structural=True)
    engine_cache: str = _parameter(
        '', 'Folder of built plans; ~/.cache/panoptic_ros by default.', structural=True)
    threads: int = _parameter(
        0, 'CPU threads of the network; 0 takes all cores.', (0, 1024), structural=True)
    cameras: tuple[str, ...] = _parameter(
        ('',), 'Names of several cameras, each with its images on NAME/image and its outputs '
        'under ~/NAME; NAME/compressed takes CompressedImage. Empty for one camera on image.',
        constraints='different names of letters, digits and _, each with or without /compressed',
        structural=True)
    image_transport: str = _parameter(
        'raw', 'Take sensor_msgs/Image from image, or CompressedImage from image/compressed.',
        constraints='raw or compressed', structural=True)
    max_pixels: int = _parameter(
        MAX_PIXELS, 'Largest image that is taken, in pixels; 35389440 are 8192x4320.',
        (1, 1 << 28))
    tracking: bool = _parameter(
        True, 'Whether things keep their numbers from frame to frame; otherwise each frame '
        'numbers its things anew.')
    overlay_opacity: float = _parameter(
        0.5, 'How much the colors of ~/overlay hide the camera image.', (0.0, 1.0))
    jpeg_quality: int = _parameter(90, 'JPEG quality of ~/overlay/compressed.', (1, 100))
    stall_timeout: float = _parameter(
        2.0, 'Seconds without an image after which the camera is diagnosed as stalled.',
        (0.1, 3600.0))
    label_timeout: float = _parameter(
        5.0, 'Seconds that an image may wait for labels, and that a frame may be at work, before '
        'diagnostics report the camera or the engine as faulty.', (0.1, 3600.0))
    max_stamp_age: float = _parameter(
        5.0, 'Seconds by which a stamp may lie behind the clock before diagnostics warn; '
        '0 never warns.', (0.0, 86400.0))
    max_age: float = _parameter(
        0.0, 'Seconds by which a stamp may lie behind the clock before its frame is dropped '
        'instead of segmented; 0 never drops.', (0.0, 3600.0))
    min_rate: float = _parameter(
        0.0, 'Frames per second and camera below which diagnostics warn while images come; 0 '
        'never warns.', (0.0, 1000.0))
    latency_limit: float = _parameter(
        0.5, 'Seconds from publish of an image to publish of its labels that 99 % of frames may '
        'take before diagnostics warn; 0 never warns.', (0.0, 3600.0))
    options: Mapping[str, Any] = field(default_factory=dict)
    """The options that are set, by the names of their parameters, such as ``deeplab.top_k``."""

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("model is '': expected the name of a shipped model or a path")
        for name in ('model', 'engine_cache'):
            if len(getattr(self, name)) > LONGEST_PATH:
                raise ValueError(f'{name} has {len(getattr(self, name))} characters: expected '
                                 f'{LONGEST_PATH} at most')
        if self.image_transport not in TRANSPORTS:
            raise ValueError(f'image_transport is {self.image_transport!r}: expected one of '
                             f'{", ".join(TRANSPORTS)}')
        object.__setattr__(self, 'cameras', tuple(self.cameras))    # ROS has lists
        self._check_cameras()
        for name, choices in (('runtime', DEVICES), ('precision', PRECISIONS)):
            if getattr(self, name) not in choices:
                raise ValueError(f'{name} is {getattr(self, name)!r}: expected one of '
                                 f'{", ".join(choices)}')
        if self.build_only and self.runtime == 'onnxruntime':
            raise ValueError('build_only is true and runtime is onnxruntime, for which nothing is '
                             'built: take tensorrt')
        object.__setattr__(self, 'options', {
            name: value for name, value in self.options.items() if value != FROM_MODEL})
        for name in families.names():
            family = families.find(name)
            self.options_of(family, family.options())
        for name, parameter in own_parameters().items():
            least, most = parameter.metadata['limits'] or (-math.inf, math.inf)
            value = getattr(self, name)
            if isinstance(value, float | int) and not least <= value <= most:
                # rclpy lets values pass that lie beyond by a millionth
                raise ValueError(f'{name} is {value!r}: expected {least:g} to {most:.10g}')

    def options_of(self, family: Family, recommended: Any) -> Any:
        """
        Return a family's options: the values that are set, and else those of the model.

        Raises
        ------
        ValueError
            A value is out of range.

        """
        try:
            return chosen(family, recommended, self.options)
        except ValueError as error:         # its message begins with the option's name
            raise ValueError(f'{family.name}.{error}') from error

    def check_family(self, family: Family) -> None:
        """
        Refuse options of another family than the model's.

        Raises
        ------
        ValueError
            Such an option is set.

        """
        if name := foreign(family, self.options):
            raise ValueError(f'{name} is {self.options[name]}: it is an option of the family '
                             f'{name.partition(".")[0]}, and the model is of the family '
                             f'{family.name}: set it to {FROM_MODEL}')

    @property
    def device(self) -> str:
        """The device for ``Segmenter.open``; a plan always runs on a GPU."""
        if self.model_path().suffix == '.plan':
            return 'auto'
        return 'gpu' if self.build_only else DEVICES[self.runtime]

    @property
    def limits(self) -> Limits:
        """The limits of an image."""
        return Limits(pixels=self.max_pixels)

    def model_path(self) -> Path:
        """Return the path of the file that ``model`` means; the file may be absent."""
        return model_path(self.model)

    def _check_cameras(self) -> None:
        names = [name for name, _ in self.named_cameras()]
        if len(names) > MOST_CAMERAS:
            raise ValueError(f'cameras has {len(names)} names: expected {MOST_CAMERAS} at most')
        for entry, name in zip(filter(None, self.cameras), names, strict=True):
            if not _NAME.fullmatch(name) or names.count(name) > 1:
                raise ValueError(f'cameras has {entry!r}: expected different names of letters, '
                                 'digits and _, each with or without /compressed')

    def named_cameras(self) -> list[tuple[str, str]]:
        """Return name and transport of each camera in ``cameras``."""
        return [(entry.removesuffix('/compressed'),
                 'compressed' if entry.endswith('/compressed') else self.image_transport)
                for entry in self.cameras if entry]

    def every_camera(self) -> list[tuple[str, str]]:
        """Return name and transport of each camera; a single camera has the empty name."""
        return self.named_cameras() or [('', self.image_transport)]

    def cache_folder(self) -> Path | None:
        """Return the folder of built engines; None for the usual one."""
        return expand_home(self.engine_cache) if self.engine_cache else None

    def change(self, changes: Mapping[str, Any], family: Family | None) -> Settings:
        """
        Return the settings after a change.

        Parameters
        ----------
        changes
            Values by the names of parameters; names of other parameters are ignored.
        family
            Family of the loaded model; None while the node is not configured.

        Raises
        ------
        ValueError
            A value is out of range, belongs to another family, or cannot change while the node is
            configured.

        """
        own, of_families = own_parameters(), family_parameters()
        for name, parameter in own.items():
            if (family is not None and parameter.metadata['structural'] and name in changes
                    and _plain(changes[name]) != getattr(self, name)):
                raise ValueError(f'{name} cannot change while the node is configured: '
                                 'deactivate and clean up, set it, and configure again')
        options = {name: value for name, value in changes.items() if name in of_families}
        settings = replace(self, options={**self.options, **options}, **{
            name: value for name, value in changes.items() if name in own})
        if family is not None:
            settings.check_family(family)
        return settings


def own_parameters() -> dict[str, Field[Any]]:
    """Return the parameters of the node itself, by their names."""
    return {parameter.name: parameter for parameter in fields(Settings) if parameter.metadata}


def family_parameters() -> dict[str, Field[Any]]:
    """Return a parameter for each option of each family, by their names."""
    return {f'{name}.{option.name}': _parameter(
        option.kind(FROM_MODEL), f'{option.help} {FROM_MODEL} takes the value that the '
        'model file recommends.', (FROM_MODEL, option.most),
        constraints=f'{FROM_MODEL}, or {option.least:g} to {option.most:.10g}')
        for name in families.names() for option in describe(families.find(name))}


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
