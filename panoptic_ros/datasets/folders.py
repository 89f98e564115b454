"""Images and label images of one's own, in two plain folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..images import files as image_files
from ..labels import UNLABELED, LabelSpace
from .dataset import Labels
from .paired_files import PairedFiles
from .relabeling import Codes, Integers, relabel


class LabelledFolders(PairedFiles):
    """
    A folder of images and a folder of label images with the same relative paths.

    The label image of ``images/a/1.jpg`` is ``truth/a/1.png``: 16-bit grey, and each pixel is
    ``class_id * label_divisor + instance`` of the label space, or 65535 where it is unlabelled.
    Stuff has the instance 0; things count from 1, and one without a number is crowd.

    Parameters
    ----------
    images, truth
        The folders; hidden files do not count.
    label_space
        What the labels mean.

    Raises
    ------
    FileNotFoundError
        There is no picture, a picture has no labels, or labels have no picture.
    ValueError
        Two pictures have one name but for its ending.

    """

    title = 'own frames'
    image_source = label_source = ''
    any_name = '*'

    def __init__(self, images: str | Path, truth: str | Path, label_space: LabelSpace) -> None:
        super().__init__(Path(images).absolute(), '', label_space)
        self._truth = Path(truth).absolute()
        for folder, what in ((self.root, 'images'), (self._truth, 'truth')):
            if not folder.is_dir():
                raise FileNotFoundError(f'{folder} is no folder: expected the one of the {what}')
        self._image_of: dict[str, str] = {}
        for path in image_files.find(self.root):
            name = path.relative_to(self.root).with_suffix('').as_posix()
            if name in self._image_of:
                raise ValueError(f'{path} and {self.root / self._image_of[name]} would have the '
                                 f'same labels, {self.label_file(name)}: rename one of them')
            self._image_of[name] = path.relative_to(self.root).as_posix()
        labels = {path.relative_to(self._truth).with_suffix('').as_posix()
                  for path in image_files.visible(self._truth, '**/*.png')}
        self._match(labels)
        self.names = tuple(sorted(self._image_of))

    @property
    def description(self) -> str:
        """What the frames are, for a model's metadata."""
        return (f'{self.title}: {len(self)} images of {self.root.name}, labels of '
                f'{self.label_space.name}')

    def image_file(self, name: str) -> str:
        """Return the path of an image, relative to the folder of the images."""
        return self._image_of[name]

    def label_file(self, name: str) -> str:
        """Return the path of an image's labels."""
        return str(self._truth / f'{name}.png')

    def labels(self, index: int, pixels: Codes) -> Labels:
        """Return the pixels, which are labels already, if they are of the label space."""
        if pixels.dtype != np.uint16 or pixels.ndim != 2:
            raise ValueError(f'it is {pixels.dtype} {pixels.shape}: expected a 16-bit grey PNG of '
                             f'class_id * {self.label_space.label_divisor} + instance; was it '
                             'saved as a picture?')
        return relabel(pixels, self._checked)

    def _match(self, labels: set[str]) -> None:
        """Refuse folders without pictures, and whatever has no counterpart."""
        names = set(self._image_of)
        if not names:
            raise FileNotFoundError(f'no picture under {self.root}: expected '
                                    f'{", ".join(image_files.PICTURE_SUFFIXES)}')
        endings = ', '.join(image_files.PICTURE_SUFFIXES)
        for have, lack, of, what, folder, ending in (
                (names, labels, 'pictures', 'labels', self._truth, '.png'),
                (labels, names, 'label images', 'picture', self.root, f' with one of {endings}')):
            missing = sorted(have - lack)
            if missing:
                raise FileNotFoundError(
                    f'{len(missing)} of {len(have)} {of} have no {what}, and '
                    f'{len(have & lack)} have: expected {folder}/{missing[0]}{ending}; labels '
                    'have the relative path of their picture, ending in .png; move away what has '
                    'no counterpart')

    def _checked(self, codes: Integers) -> Labels:
        space = self.label_space
        class_id, instance = np.divmod(codes, space.label_divisor)
        foreign = codes[(class_id >= len(space)) & (codes != UNLABELED)]
        if len(foreign):
            raise ValueError(
                f'pixels have the label {foreign[0]}, which is class '
                f'{foreign[0] // space.label_divisor} with label_divisor {space.label_divisor}: '
                f'label space {space.name!r} has the classes 0 to {len(space) - 1}, and '
                f'{UNLABELED} is unlabelled; correct the file or the label space')
        known = codes != UNLABELED
        numbered = codes[known & (instance > 0) & ~space.is_thing[np.where(known, class_id, 0)]]
        if len(numbered):
            raise ValueError(
                f'pixels have the label {numbered[0]}, which is instance '
                f'{numbered[0] % space.label_divisor} of the stuff class '
                f'{space.names[numbered[0] // space.label_divisor]!r} with label_divisor '
                f'{space.label_divisor}: expected instance 0 for stuff; is the label_divisor '
                'another, or is the class a thing?')
        return codes.astype(np.uint16)
