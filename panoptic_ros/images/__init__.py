"""Camera images (raw, compressed, or in files) to BGR arrays and back, and what may be wrong."""

from .codec import decode, encode
from .compressed import CompressedImageMessage, decompress, stored_encoding
from .converter import Converted, Converter
from .encodings import ENCODINGS
from .errors import ImageError
from .limits import MAX_PIXELS, Limits
from .raw import ImageMessage, to_bgr

__all__ = ['ENCODINGS', 'MAX_PIXELS', 'CompressedImageMessage', 'Converted', 'Converter',
           'ImageError', 'ImageMessage', 'Limits', 'decode', 'decompress', 'encode',
           'stored_encoding', 'to_bgr']
