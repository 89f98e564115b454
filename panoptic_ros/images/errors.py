"""What is wrong with an image."""

from __future__ import annotations


class ImageError(ValueError):
    """
    A message or a file that holds no usable image.

    ``kind`` names the sort of fault. It stays the same from frame to frame while the text may
    change.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
