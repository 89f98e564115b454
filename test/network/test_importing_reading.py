"""Foreign files: every format is read, nothing in them is executed."""

import codecs
import io
import os
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from panoptic_ros.network.checkpoint import CheckpointError  # noqa: E402
from panoptic_ros.network.importing.reading import read_source  # noqa: E402

pytestmark = pytest.mark.torch

ARRAYS = {'a.weight': np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
          'a.norm.running_var': np.asfortranarray(np.arange(6, dtype='>f8').reshape(2, 3)),
          'a.norm.num_batches_tracked': np.array(7),
          'scale': np.float32(2.5)}
TENSORS = OrderedDict((name, torch.from_numpy(np.asarray(value, value.dtype.newbyteorder('='))))
                      for name, value in ARRAYS.items())
TENSORS._metadata = OrderedDict(version=1)      # as `state_dict` has it
BESIDE = {'optimizer': {'state': {0: {'step': torch.tensor(3.0)}}, 'lr': (0.1, None)},
          'iteration': 90000}


def pickled(data, protocol):
    return pickle.dumps(data, protocol)


def saved(data, **options):
    stream = io.BytesIO()
    torch.save(data, stream, **options)
    return stream.getvalue()


def written_by_numpy_1(data):
    return pickle.dumps(data, 2).replace(b'numpy._core', b'numpy.core')


def written_by_python_2():
    """One array, its bytes as a byte string, which Python 3 reads as latin1."""
    def text(value):
        return b'U' + bytes([len(value)]) + value
    array = (b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85' + text(b'b')
             + b'tR(K\x01K\x02\x85cnumpy\ndtype\n(' + text(b'f4') + b'K\x00K\x01tR(K\x03'
             + text(b'<') + b'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89'
             + text(struct.pack('<2f', 200.5, -3)) + b'tb')
    return b'\x80\x02ccollections\nOrderedDict\n(]](' + text(b'w') + array + b'eatR.'


FORMATS = {
    **{f'pickle protocol {protocol}': pickled({'model': ARRAYS, '__author__': 'me',
                                               'matching_heuristics': True}, protocol)
       for protocol in range(6)},
    'pickle of NumPy 1': written_by_numpy_1({'model': ARRAYS}),
    'bare pickle': pickled(ARRAYS, 4),
    'zip': saved({'model': TENSORS, **BESIDE}),
    'legacy': saved({'model': TENSORS, **BESIDE}, _use_new_zipfile_serialization=False),
    'state_dict': saved({'state_dict': TENSORS, **BESIDE}),
    'bare zip': saved(TENSORS),
    'bare legacy': saved(TENSORS, _use_new_zipfile_serialization=False),
    'DataParallel': saved({f'module.{name}': value for name, value in TENSORS.items()}),
    'parameters': saved({name: torch.nn.Parameter(value, value.is_floating_point())
                         for name, value in TENSORS.items()}),
}


@pytest.fixture
def read(tmp_path):
    def write_and_read(content):
        path = tmp_path / 'weights'
        path.write_bytes(content)
        return read_source(path)
    return write_and_read


@pytest.mark.parametrize('format_', FORMATS)
def test_every_format_gives_the_same_weights(format_, read):
    weights = read(FORMATS[format_]).weights
    assert list(weights) == list(ARRAYS)
    for name, value in ARRAYS.items():
        np.testing.assert_array_equal(weights[name].detach().numpy(), value)


def test_a_pickle_of_python_2_is_read(read):
    assert read(written_by_python_2()).weights['w'].tolist() == [200.5, -3]


def test_the_file_says_what_it_was(read):
    source = read(FORMATS['state_dict'])
    assert source.format == "PyTorch file, its part 'state_dict'"
    assert len(source.sha256) == 64
    assert read(FORMATS['DataParallel']).format.endswith("names without 'module.'")


class Calls:
    """Calls a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def attacks(path):
    """Objects whose pickle makes a file when it is executed, and what the refusal must name."""
    shell = Calls(os.system, f'touch {path}')
    return {'posix.system': shell,
            '(builtins|__builtin__).eval': Calls(eval, f'open({str(path)!r}, "w").close()'),
            'posix.system ': {'model': {'w': [1.5], 'x': [({'y': shell},)]}}}


@pytest.mark.parametrize('name', attacks(''))
@pytest.mark.parametrize('write', [
    lambda attack: pickled(attack, 0), lambda attack: pickled(attack, 2),
    lambda attack: pickled(attack, 4),
    saved, lambda attack: saved(attack, _use_new_zipfile_serialization=False),
], ids=['protocol 0', 'protocol 2', 'protocol 4', 'zip', 'legacy'])
def test_a_malicious_file_is_refused_by_name_and_not_executed(name, write, tmp_path, read):
    trace = tmp_path / 'executed'
    with pytest.raises(CheckpointError, match=f'the pickle names {name.strip()}: refused'):
        read(write(attacks(trace)[name]))
    assert not trace.exists()


def test_a_global_behind_an_allowed_module_is_refused(tmp_path, read):
    trace = tmp_path / 'executed'
    command = f'touch {trace}'.encode()
    content = (b'\x80\x04\x8c\x05numpy\x8c\x09os.system\x93\x8c' + bytes([len(command)])
               + command + b'\x85R.')
    with pytest.raises(CheckpointError, match=r'names numpy\.os\.system: refused'):
        read(content)
    assert not trace.exists()


def test_the_attacks_of_these_tests_are_some(tmp_path):
    for number, attack in enumerate(attacks(tmp_path / 'executed').values()):
        pickle.loads(pickled(attack, 2))
        (tmp_path / 'executed').rename(tmp_path / str(number))


@pytest.mark.parametrize('name', ['os\npopen', 'subprocess\nPopen', 'numpy\nload',
                                  'numpy.core.multiarray\n_reconstruct.__globals__',
                                  'torch.serialization\nload', 'fvcore.common.config\nCfgNode'])
def test_every_other_global_is_refused(name, read):
    with pytest.raises(CheckpointError, match='refused'):
        read(b'\x80\x02c' + name.encode() + b'\n)R.')


def array_of(shape, kind='f4', raw=b'\0' * 8):
    """Pickle an array that claims a shape."""
    head = (b'\x80\x03}X\x01\0\0\0wcnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n'
            b'K\0\x85C\x01b\x87R(K\x01')
    dtype = b'cnumpy\ndtype\nX\x02\0\0\0' + kind.encode() + b'\x85R'
    return (head + pickle.dumps(shape, 3)[2:-1].split(b'q\0')[0] + dtype + b'\x89B'
            + struct.pack('<I', len(raw)) + raw + b'tbs.')


def repeated(call):
    """Make something of the same argument of 10 kB ten thousand times."""
    argument = b'X' + struct.pack('<I', 10_000) + b'x' * 10_000
    return b'\x80\x02]' + argument + b'q\x01' + call * 10_000 + b'.'


SHARED = dict.fromkeys(map(str, range(999)), np.zeros(1000, np.float32))


BOMBS = {
    'bytes made again and again': repeated(b'c_codecs\nencode\nh\x01\x85R'),
    'one array of many names': pickle.dumps({'model': SHARED}),
    'an array larger than its bytes': array_of((1 << 20, 1 << 20)),
    'a negative side': array_of((-1, -2)),
    'an array of huge numbers': array_of((1 << 4000, 1 << 4000)),
    'an array of objects': array_of((1,), 'O8'),
    'a text of 2 GB': b'\x80\x04X' + struct.pack('<I', 1 << 31) + b'abc',
    'bytes of 2^62': b'\x80\x04\x8e' + struct.pack('<Q', 1 << 62) + b'abc',
    'a memo of 2^32': b'\x80\x02}r\xff\xff\xff\xff.',
    'a key whose hash takes for ever':
        b'\x80\x02})' + b'2\x86' * 200 + b'K\x01s.',
    'a key of tuples': b'\x80\x02}K\x01' + b'q\0h\0\x86' * 200 + b'K\x01s.',
    'a list in itself': b'\x80\x02]q\0h\0a.',
    'deep nesting': b'\x80\x02' + b']' * 30_000 + b'a' * 29_999 + b'.',
    'nothing': b'',
    'a text': b'hello, this is not a checkpoint',
    'a number': pickle.dumps(5),
    'an empty dictionary': pickle.dumps({}),
    'a text for weights': pickle.dumps({'model': {'w': 'x'}}),
}


@pytest.mark.parametrize('bomb', BOMBS)
def test_what_is_not_weights_is_refused_at_once(bomb, read):
    with pytest.raises(CheckpointError):
        read(BOMBS[bomb])


def rezipped(change=lambda name, data: data, method=zipfile.ZIP_STORED):
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved({'w': torch.zeros(1000)}))) as old, \
            zipfile.ZipFile(result, 'w', method) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return result.getvalue()


def test_a_tensor_larger_than_the_file_is_refused(read):
    def claim(name, data):
        return data.replace(b'M\xe8\x03', b'J' + struct.pack('<i', 1 << 30))
    with pytest.raises(CheckpointError, match=r'PyTorch does not read: .*4294967296'):
        read(rezipped(claim))
    legacy = saved({'w': torch.zeros(1000)}, _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r'PyTorch does not read: .*4294967296'):
        read(claim('', legacy))


def test_bytes_larger_than_the_file_are_refused(read):
    many = b'\x80\x02cbuiltins\nbytearray\nJ' + struct.pack('<i', 1 << 30) + b'\x85R.'
    with pytest.raises(CheckpointError, match=r'names builtins\.bytearray: refused'):
        read(rezipped(lambda name, data: many if name.endswith('data.pkl') else data))


def test_a_compressed_archive_is_refused(read):
    assert read(rezipped()).weights['w'].shape == (1000,)
    with pytest.raises(CheckpointError, match='compressed'):
        read(rezipped(method=zipfile.ZIP_DEFLATED))


def test_an_archive_of_something_else_is_refused(read):
    with pytest.raises(CheckpointError, match=r'no data\.pkl'):
        read(rezipped().replace(b'data.pkl', b'code.pkl'))


def test_a_tar_that_passes_for_another_format_is_refused(read):
    stream = io.BytesIO()
    parts = FORMATS['bare legacy'][:15], pickled(1001, 2), *(pickled(part, 2) for part in
                                                            ({}, {}, []))
    with tarfile.open(fileobj=stream, mode='w', format=tarfile.GNU_FORMAT,
                      encoding='latin1') as archive:
        archive.addfile(tarfile.TarInfo(b''.join(parts).decode('latin1')))
    with pytest.raises(CheckpointError, match='tar archive'):
        read(stream.getvalue())


@pytest.mark.parametrize('format_', ['pickle protocol 2', 'pickle protocol 4', 'zip', 'legacy'])
def test_damaged_files_raise_nothing_else(format_, read):
    content = FORMATS[format_]
    random = np.random.default_rng(0)
    for length in random.integers(0, len(content) - 1, 30):
        with pytest.raises(CheckpointError):
            read(content[:length])
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for position in random.integers(0, len(content), random.integers(1, 4)):
            damaged[position] ^= 1 << random.integers(0, 8)
        try:
            read(bytes(damaged))        # a weight may be another number now
        except CheckpointError:
            refused += 1
    assert refused > 30


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        read_source(tmp_path / 'nowhere')


def test_bytes_in_other_encodings_are_refused(read):
    with pytest.raises(CheckpointError, match='encodes'):
        read(pickle.dumps({'w': Calls(codecs.encode, 'x', 'rot13')}, 2))
