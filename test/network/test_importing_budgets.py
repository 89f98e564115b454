"""Files of a few bytes that would take hours or gigabytes: refused by what they cost."""

import io
import pickle
import struct
import zipfile

import pytest

torch = pytest.importorskip('torch')

import foreign_checkpoints as foreign  # noqa: E402

from panoptic_ros.network.checkpoint import CheckpointError  # noqa: E402
from panoptic_ros.network.families.deeplab.importing.conversion import Conversion  # noqa: E402
from panoptic_ros.network.families.deeplab.variants import PRESETS  # noqa: E402
from panoptic_ros.network.importing import unpickling  # noqa: E402
from panoptic_ros.network.importing.arrays import ARRAY_GLOBALS  # noqa: E402
from panoptic_ros.network.importing.reading import read_source  # noqa: E402
from panoptic_ros.network.importing.torch_files import _GLOBALS, _storage  # noqa: E402
from panoptic_ros.network.importing.unpickling import MOST_DEPTH, Unpickler  # noqa: E402

pytestmark = pytest.mark.torch

BUDGET = 20_000                 # of these tests, to be spent at once
MERSENNE = (1 << 61) - 1        # integers that differ by multiples of it have the same hash


def doubled(times):
    """A tuple of two, each a tuple of the same two, and so on."""
    return b'K\x01' + b'q\0h\0\x86' * times


def colliding(count):
    return b'}(' + b''.join(pickle.dumps(index * MERSENNE, 2)[2:-1] + b'N'
                            for index in range(1, count)) + b'u'


PAIRS = b'](' + b'X\1\0\0\0xN\x86' * 1000 + b'eq\1\x85q\2'
PICKLES = {
    'a type named by a doubled tuple':
        b'\x80\x02cnumpy\ndtype\n' + doubled(22) + b'\x85R.',
    'a global named by a doubled tuple':
        b'\x80\x04X\1\0\0\0a' + doubled(38) + b'\x93.',
    'an encoding named by a doubled tuple':
        b'\x80\x02c_codecs\nencode\nX\1\0\0\0a' + doubled(38) + b'\x86R.',
    'a doubled tuple': b'\x80\x02' + doubled(60) + b'.',
    'a doubled tuple among weights': b'\x80\x02}X\1\0\0\0w' + doubled(60) + b's.',
    'a doubled tuple for a key': b'\x80\x02}' + doubled(60) + b'Ns.',
    'a list of lists of the same': b'\x80\x02' + b''.join(
        b']q' + bytes([n + 1]) + b'(' + (b'h' + bytes([n]) if n else b'N') * 60 + b'e'
        for n in range(10)) + b'.',
    'integers of the same hash for keys': b'\x80\x02' + colliding(5_000) + b'.',
    'the same pairs again and again':
        b'\x80\x02]' + b'ccollections\nOrderedDict\n' + PAIRS + b'R' + b''.join(
            b'ccollections\nOrderedDict\nh\2R' for _ in range(3000)) + b'.',
    'lists without end': b'\x80\x02' + b']' * (BUDGET + 10) + b'.',
    'nested too deep': b'\x80\x02' + b']' * (MOST_DEPTH + 1) + b'a' * MOST_DEPTH + b'.',
}
SPENDING = ('lists without end', 'a list of lists of the same', 'the same pairs again and again',
            'a doubled tuple', 'a doubled tuple among weights')
"""Refused when the budget is spent; the others for what they do, long before."""


def zipped(pickled, **more):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        for name, content in {'a/data.pkl': pickled, 'a/version': b'3\n', **more}.items():
            archive.writestr(name, content)
    return stream.getvalue()


def legacy(*pickles):
    return b''.join(pickles)


LEGACY = [pickle.dumps(value, 2) for value in (
    0x1950A86A20F9469CFC6C, 1001, {'little_endian': True}, {}, [])]


@pytest.fixture
def _small_budget(monkeypatch):
    monkeypatch.setattr(unpickling, 'MOST_OPERATIONS', BUDGET)


@pytest.fixture
def read(tmp_path):
    def write_and_read(content):
        path = tmp_path / 'weights'
        path.write_bytes(content)
        return read_source(path)
    return write_and_read


@pytest.mark.usefixtures('_small_budget')
@pytest.mark.parametrize('known', [ARRAY_GLOBALS, _GLOBALS], ids=['arrays', 'tensors'])
@pytest.mark.parametrize('bomb', PICKLES)
def test_a_pickle_costs_no_more_than_the_budget(bomb, known):
    unpickler = Unpickler(PICKLES[bomb], known, _storage)
    with pytest.raises(CheckpointError):
        unpickler.load()
    assert (unpickler.operations > BUDGET) == (bomb in SPENDING)
    assert unpickler.operations < BUDGET + 2000


@pytest.mark.usefixtures('_small_budget')
@pytest.mark.parametrize('bomb', PICKLES)
def test_such_a_pickle_is_refused_wherever_it_stands(bomb, read):
    content = PICKLES[bomb]
    for file in (content, zipped(content), legacy(*LEGACY[:3], content, LEGACY[4]),
                 legacy(*LEGACY[:4], content)):
        with pytest.raises(CheckpointError, match=r'/weights: (the|an array) '):
            read(file)


def test_the_header_of_an_older_file_is_plain(read):
    for number in (1, 2):
        parts = list(LEGACY)
        parts[number] = b'\x80\x02' + doubled(5) + b'.'
        with pytest.raises(CheckpointError, match='header'):
            read(legacy(*parts))


def test_what_is_left_outside_of_a_pickle_is_named_plainly(read):
    storage = (b'(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0' + b'0X\3\0\0\0cpuK\1tQ')
    for damaged in (b'\x80\x02' + doubled(40) + b'Q.',
                    b'\x80\x02(X\7\0\0\0storagectorch\nFloatStorage\n' + doubled(40)
                    + b'X\3\0\0\0cpuK\1tQ.'):
        with pytest.raises(CheckpointError, match='a storage in the pickle is damaged'):
            read(zipped(damaged))
    tensor = (b'\x80\x02}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(' + storage
              + b'K\0%sK\1\x85\x89}tRs.')
    with pytest.raises(CheckpointError, match='a tensor in the pickle is damaged'):
        read(zipped(tensor % (doubled(40) + b'\x85')))
    whole = zipped(tensor % b'K\1\x85', **{'a/data/0': struct.pack('<f', 2.5)})
    assert read(whole).weights['w'].tolist() == [2.5]


def patched(content, **fields):
    """Change fields of the first entry of a zip archive's directory."""
    places = {'compressed': 20, 'size': 24}
    result = bytearray(content)
    start = content.index(b'PK\x01\x02')
    for name, value in fields.items():
        struct.pack_into('<I', result, start + places[name], value)
    return bytes(result)


def test_a_zip_that_claims_more_than_it_holds_is_refused(read):
    for fields in ({'size': 1 << 31}, {'compressed': 1 << 31}):
        with pytest.raises(CheckpointError, match='claim more than'):
            read(patched(zipped(b'\x80\x02}.'), **fields))


def test_a_zip_of_very_many_entries_is_refused(read):
    entry = b'PK\x01\x02' + bytes(42)
    with pytest.raises(CheckpointError, match=r'more than 100,000 entries'):
        read(b'PK\x03\x04' + entry * 100_001)


def test_a_zip_with_two_pickles_of_one_name_is_refused(read):
    with pytest.raises(CheckpointError, match='two entries of one name'):
        read(zipped(b'\x80\x02}.', **{'a/DATA.PKL': b'\x80\x02' + doubled(40) + b'.'}))


def test_the_checkpoint_of_a_long_training_is_within_the_budget(read):
    layers = {f'layer{index}.weight': torch.ones(1) for index in range(1000)}
    content = io.BytesIO()
    torch.save({'model': layers, 'ema_state': layers, 'losses': [0.5] * 100_000, 'optimizer': {
        'state': {index: {'exp_avg': value, 'step': index}
                  for index, value in enumerate(layers.values())}}}, content)
    assert len(read(content.getvalue()).weights) == 1000


def test_a_normalisation_that_claims_any_size(tmp_path):
    """A view without strides takes four bytes and claims terabytes."""
    one = torch.zeros(1)
    entries = {name: one.as_strided(value.shape, (0,) * value.dim()) for name, value in
               foreign.weightless('detectron2', PRESETS['r52-detectron2'], 19).items()}
    torch.save({'model': entries | {'pixel_mean': one.expand(1 << 40)}}, tmp_path / 'x.pth')
    with pytest.raises(ValueError, match='have 1099511627776 and 3 values: expected 3'):
        Conversion.of(read_source(tmp_path / 'x.pth'))
