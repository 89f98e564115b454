"""Turning a published Mask2Former or EoMT into a checkpoint of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from torch import Tensor

from .....labels import LabelSpace
from ....checkpoint import Checkpoint, CheckpointError
from ....importing.comparison import COUNTER, Comparison
from ....importing.reading import SourceFile
from ....importing.values import refuse_impossible
from ..config import MasksConfig
from ..model import MasksNetwork
from ..settings import read_settings
from ..variants import PUBLISHED, name_of
from .classes import label_space_of, names_of, order_in
from .folder import Folder
from .loading import Loaded, load
from .mask2former import INDEX, renamed, settings_of
from .preprocessing import Preprocessing

_UNUSED = ('criterion.empty_weight', 'swin.layernorm.weight', 'swin.layernorm.bias')
"""
Ends of entries that no output depends on: the weights of a loss, and the last norm of a Swin,
which a backbone does not read and older versions of the library do not have.
"""
_PREDICTOR = ('class_predictor.weight', 'class_predictor.bias')
_LABEL_SPACES = {19: 'cityscapes', 133: 'coco'}


@dataclass(frozen=True)
class MasksConversion:
    """The network that a file or folder holds; see ``network.family.Conversion``."""

    source: SourceFile
    origin: str
    config: MasksConfig
    classes: int
    names: tuple[str, ...]
    """Names of the classes in the order of the outputs; none if the source does not say them."""
    loaded: Loaded
    comparison: Comparison

    @classmethod
    def of_folder(cls, folder: Folder, allowed: Sequence[str] = ()) -> MasksConversion:
        """
        Recognise a folder of Hugging Face.

        Raises
        ------
        CheckpointError
            It holds something else than a Mask2Former or an EoMT.

        """
        try:
            settings = read_settings(folder.config)
            names = tuple(names_of(folder.config))
            how = Preprocessing.of(settings['model_type'], folder.preprocessor)
            config = MasksConfig(name_of(settings), settings, **asdict(how))
        except ValueError as error:
            raise CheckpointError(f'{folder.source.name}: {error}') from error
        entries = {name: (name, value) for name, value in folder.source.weights.items()}
        return cls._of(folder.source, 'Hugging Face', config, names, len(names), entries, allowed)

    @classmethod
    def of_mask2former(cls, source: SourceFile, allowed: Sequence[str] = ()) -> MasksConversion:
        """
        Recognise a file that Mask2Former's own code wrote.

        Raises
        ------
        CheckpointError
            It lacks a part of the network.

        """
        try:
            settings, classes = settings_of(source.weights)
        except CheckpointError as error:
            raise CheckpointError(f'{source.name}: {error}') from error
        how = Preprocessing.of('mask2former', None)
        config = MasksConfig(name_of(settings), settings, **asdict(how))
        entries = {theirs: (name, value) for name, whole in source.weights.items()
                   for theirs, value in renamed(name, whole)}
        return cls._of(source, 'Mask2Former', config, (), classes, entries, allowed)

    @classmethod
    def _of(cls, source: SourceFile, origin: str, config: MasksConfig, names: tuple[str, ...],
            classes: int, entries: Mapping[str, tuple[str, Tensor]],
            allowed: Sequence[str]) -> MasksConversion:
        """Load; ``entries`` are the source's name and the value by the library's names."""
        loaded = load(config, classes, {theirs: value for theirs, (_, value) in entries.items()
                                        if not theirs.endswith(INDEX)})
        known = {name for name, _ in entries.values()}
        left_over = [name for name in source.weights if name not in known] + [
            entries[theirs][0] for theirs in loaded.left_over if theirs in entries]
        derived = [name for name in source.weights if name.endswith(INDEX)]
        allowed_names = [name for name in left_over if name not in derived and any(
            fnmatchcase(name, pattern) for pattern in allowed)]
        spare = [name for name in loaded.missing
                 if name.endswith((COUNTER, *_UNUSED))]
        wrong = {entries[theirs][0] if theirs in entries else theirs: shapes
                 for theirs, shapes in loaded.mismatched.items()}
        others = {*left_over, *derived, *wrong}
        comparison = Comparison(
            used=tuple(name for name in source.weights if name not in others), normalisation=(),
            missing=tuple(name for name in loaded.missing if name not in spare),
            counters=tuple(spare),
            left_over=tuple(name for name in left_over
                            if name not in allowed_names and name not in derived),
            allowed=(*allowed_names, *derived), mismatched=wrong)
        return cls(source, origin, config, classes, names, loaded, comparison)

    def label_space(self, given: LabelSpace | None = None) -> LabelSpace:
        """
        Return the given label space, or that of the data set with these classes.

        Raises
        ------
        CheckpointError
            The network has other classes, or no known data set has these.

        """
        if given is None and self.names:
            given = label_space_of(list(self.names))
        elif given is None and self.classes in _LABEL_SPACES:
            given = LabelSpace.load(_LABEL_SPACES[self.classes])
        if given is None:
            raise CheckpointError(f'{self.source.name} has {self.classes} classes, which no known '
                                  'data set has: name its label space with --labels')
        order_in(given, self._names())
        return given

    def checkpoint(self, labels: LabelSpace) -> Checkpoint:
        """
        Return the network, its classes in the order of the label space.

        Raises
        ------
        CheckpointError
            An entry is missing, left over, of another shape, or it has values that no network has.

        """
        if not self.comparison.complete:
            raise CheckpointError(f'{self.source.name} is not complete: see the comparison')
        refuse_impossible({name: self.source.weights[name] for name in self.comparison.used
                           if self.source.weights[name].is_floating_point()})
        network = MasksNetwork(self.config, self.classes, self.loaded.model)
        weights = {name: value.detach().clone() for name, value in network.state_dict().items()}
        rows = [*order_in(labels, self._names()), self.classes]
        for name in _PREDICTOR:
            weights[f'model.{name}'] = weights[f'model.{name}'][rows]
        training: dict[str, Any] = {
            'imported_from': self.source.name, 'sha256': self.source.sha256,
            'source': self.origin}
        published = PUBLISHED.get(self.config.name)
        if published is not None:
            training['published'] = {name: value for name, value in published._asdict().items()
                                     if value is not None}
        return Checkpoint(replace(self.config), labels, weights, training, {})

    def described(self) -> list[str]:
        """Return in a few lines which network it is."""
        config = self.config
        lines = [f'{self.source.name}: {self.source.format}',
                 f'network {config.name!r}, written by {self.origin}: '
                 f'{len(self.comparison.used)} of {len(self.source.weights)} entries are used',
                 f'{self.classes} classes and no object, {config.queries} queries']
        words = {'pad': 'keep their aspect and are padded', 'stretch': 'fill the input'}
        return [*lines, f'mean {config.mean}, deviation {config.deviation}, RGB; images '
                        f'{words[config.fit]}']

    def export_arguments(self, labels: LabelSpace) -> str:
        """Return the size of the source's evaluation."""
        if self.config.model == 'eomt':
            side = self.config.settings.get('image_size', 640)
            return f'--size {side}x{side}'
        return '--size 1024x2048' if labels.name == 'cityscapes' else '--size 800x1344'

    def _names(self) -> list[str]:
        return list(self.names) or [f'LABEL_{number}' for number in range(self.classes)]
