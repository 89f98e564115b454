"""Where weights stand in a file: last and averaged ones, prefixes, safetensors; wrong values."""

import json
import pickle
import struct
from collections import Counter

import numpy as np
import pytest

torch = pytest.importorskip('torch')

import foreign_checkpoints as foreign  # noqa: E402

from panoptic_ros.network.checkpoint import CheckpointError  # noqa: E402
from panoptic_ros.network.importing.reading import read_source  # noqa: E402
from panoptic_ros.network.importing.safetensors_files import _TYPES  # noqa: E402
from panoptic_ros.network.importing.values import refuse_impossible  # noqa: E402

pytestmark = pytest.mark.torch

LAST = {'a.weight': torch.zeros(2), 'b': torch.zeros(1)}
AVERAGE = {'a.weight': torch.ones(2), 'b': torch.ones(1)}
AUTHOR = {'iteration': 5, 'optimizer': {'state': {0: {'step': torch.tensor(1.0)}}}}


def prefixed(prefix, entries):
    return {prefix + name: value for name, value in entries.items()}


AVERAGED = torch.optim.swa_utils.AveragedModel(torch.nn.Linear(1, 1)).state_dict()
BESIDE = {
    'ema_state': {'model': LAST, 'ema_state': AVERAGE},
    'model_ema': {'state_dict': LAST, 'model_ema': AVERAGE},
    'state_dict_ema': {'state_dict': LAST, 'state_dict_ema': prefixed('module.', AVERAGE)},
    'modelEMA': {'model': LAST, 'modelEMA': {'state_dict': AVERAGE, 'decay': 0.99}},
    'ema': {**LAST, 'ema': AVERAGE},
    'ema_model.*': {'state_dict': prefixed('model.', LAST) | prefixed('ema_model.', AVERAGE)},
    'swa': {'model': LAST, 'swa': {'n_averaged': torch.tensor(3)} | prefixed('module.', AVERAGE)},
}


@pytest.fixture
def read(tmp_path):
    def write_and_read(content, **options):
        path = tmp_path / 'weights'
        path.write_bytes(content if isinstance(content, bytes) else foreign.pth(content))
        return read_source(path, **options)
    return write_and_read


def assert_equal(source, entries):
    assert list(source.weights) == list(entries)
    for name, value in entries.items():
        assert torch.equal(source.weights[name], value), name


@pytest.mark.parametrize('name', BESIDE)
def test_of_last_and_averaged_weights_it_is_said_which_are_taken(name, read):
    data = BESIDE[name] if name == 'ema' else BESIDE[name] | AUTHOR
    last = read(data)
    assert_equal(last, LAST)
    assert f"the averaged weights beside it, '{name}': --ema takes them" in last.format
    averaged = read(data, averaged=True)
    assert_equal(averaged, AVERAGE)
    assert f"its part '{name}', averaged weights" in averaged.format


def test_averaged_weights_in_a_pickle_of_arrays_are_taken_too(read):
    arrays = [{name: value.numpy() for name, value in entries.items()}
              for entries in (LAST, AVERAGE)]
    content = pickle.dumps(dict(zip(('model', 'ema_state'), arrays, strict=True)))
    assert_equal(read(content), LAST)
    assert_equal(read(content, averaged=True), AVERAGE)


@pytest.mark.parametrize('averaged', [False, True])
def test_averaged_weights_alone_are_read(averaged, read):
    source = read({'model_ema': AVERAGE, **AUTHOR}, averaged=averaged)
    assert_equal(source, AVERAGE)
    assert source.format == "PyTorch file, its part 'model_ema', averaged weights"


def test_of_several_averages_the_first_is_taken_and_all_are_named(read):
    source = read({'model': LAST, 'ema_fast': AVERAGE, 'ema_slow': LAST}, averaged=True)
    assert_equal(source, AVERAGE)
    assert "'ema_fast', averaged weights, the first of 'ema_fast' and 'ema_slow'" in source.format


def test_averages_that_are_not_there_are_missed_with_what_there_is(read):
    with pytest.raises(CheckpointError, match=r'no averaged weights, which --ema takes: its parts '
                       'are model, iteration, optimizer'):
        read({'model': LAST, **AUTHOR}, averaged=True)
    with pytest.raises(CheckpointError, match='its parts are iteration, optimizer'):
        read(AUTHOR)


def test_a_part_that_only_sounds_like_averages_is_none(read):
    source = read({'model': LAST, 'ema_decay': 0.99, 'schema': AVERAGE, 'remark': 'ema'})
    assert source.format == "PyTorch file, its part 'model'"


@pytest.mark.parametrize('prefix', ['module.', '_orig_mod.', 'model.', 'module.module.',
                                    'module._orig_mod.', '_orig_mod.module.',
                                    'model.module.model.', 'model._orig_mod.'])
def test_prefixes_of_wrappers_are_taken_off(prefix, read):
    source = read({'model': prefixed(prefix, LAST)})
    assert_equal(source, LAST)
    assert source.format.endswith(f'names without {prefix!r}')


def test_the_prefix_of_some_names_belongs_to_them(read):
    mixed = {'model.a': torch.zeros(1), 'b': torch.zeros(1)}
    assert_equal(read(mixed), mixed)


def test_the_counter_of_torch_s_own_average_is_no_weight(read):
    assert set(AVERAGED) == {'n_averaged', 'module.weight', 'module.bias'}
    assert list(read(AVERAGED).weights) == ['weight', 'bias']


def test_a_weight_that_is_named_by_a_number_is_refused(read):
    with pytest.raises(CheckpointError, match='named by a int: expected a text'):
        read({'model': {0: torch.zeros(1)}})


def safetensors(tensors, header=None, data=None):
    """Write the format by its description; ``header`` changes entries, ``data`` all bytes."""
    names = {dtype: name for name, dtype in _TYPES.items()}
    entries, content = {'__metadata__': {'format': 'pt'}}, b''
    for name, value in tensors.items():
        raw = value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        entries[name] = {'dtype': names[value.dtype], 'shape': list(value.shape),
                         'data_offsets': [len(content), len(content) + len(raw)]}
        content += raw
    text = header if isinstance(header, bytes) else json.dumps(entries | (header or {})).encode()
    text += b' ' * (-len(text) % 8)
    return struct.pack('<Q', len(text)) + text + (content if data is None else data)


def test_safetensors_are_read(read):
    tensors = {name: torch.arange(6).to(dtype).reshape(2, 3) for name, dtype in _TYPES.items()}
    tensors |= {'scalar': torch.tensor(2.5), 'empty': torch.zeros(0, 4), 'λ': torch.ones(1)}
    source = read(safetensors(tensors))
    assert_equal(source, tensors)
    assert source.format == 'safetensors'
    assert_equal(read(safetensors(prefixed('model.', LAST))), LAST)
    both = safetensors(LAST | prefixed('ema.', AVERAGE))
    assert_equal(read(both), LAST)
    assert_equal(read(both, averaged=True), AVERAGE)


def test_safetensors_of_the_library_are_read(read):
    library = pytest.importorskip('safetensors.torch')
    tensors = {'w': torch.randn(3, 2), 'half': torch.ones(5, dtype=torch.float16)}
    content = library.save(tensors, {'made by': 'a test'})
    weights = read(content).weights
    assert weights.keys() == tensors.keys()
    for name, value in tensors.items():
        assert torch.equal(weights[name], value)


ENTRY = {'dtype': 'F32', 'shape': [2], 'data_offsets': [0, 8]}
DAMAGED = {
    'header of safetensors has 5000000 bytes: expected at most': struct.pack('<Q', 5_000_000)
    + b'{' + bytes(100),
    'cut off: its header': struct.pack('<Q', 1000) + b'{}' + bytes(50),
    'header of safetensors is damaged': safetensors({}, b'{"a": [1}'),
    'header of safetensors is damaged: maximum': safetensors({}, b'{"a":' + b'[' * 100_000),
    'header of safetensors is damaged: a name comes twice': safetensors({}, b'{"a": 1, "a": 2}'),
    'a is damaged': safetensors({}, {'a': 5}),
    'a is damaged: expected dtype': safetensors({}, {'a': ENTRY | {'data_offsets': [0, True]}}),
    'a has the type': safetensors({}, {'a': ENTRY | {'dtype': 'F8_E4M3'}}, bytes(8)),
    'a claims another shape': safetensors({}, {'a': ENTRY | {'shape': [1 << 40, 1 << 40]}},
                                          bytes(8)),
    'a claims another shape than': safetensors({}, {'a': ENTRY | {'shape': [-2]}}, bytes(8)),
    'cut off or damaged': safetensors({}, {'a': ENTRY}, bytes(7)),
    'tensors have 8 bytes, and the file holds 9': safetensors({}, {'a': ENTRY}, bytes(9)),
    'b has its bytes where those of another are': safetensors(
        {}, {'a': ENTRY, 'b': ENTRY | {'data_offsets': [4, 12]}}, bytes(12)),
}


@pytest.mark.parametrize('message', DAMAGED)
def test_damaged_safetensors_are_refused(message, read):
    with pytest.raises(CheckpointError, match=message):
        read(DAMAGED[message])


def test_safetensors_with_any_bit_turned_round_raise_nothing_else(read):
    content = safetensors(LAST)
    random = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(content)
        damaged[random.integers(len(content))] ^= 1 << random.integers(8)
        try:
            read(bytes(damaged))
        except CheckpointError:
            continue


@pytest.mark.parametrize('bad', [float('nan'), float('inf'), -float('inf')])
def test_weights_that_no_network_has_are_named(bad):
    good = {'a.running_var': torch.zeros(3), 'a.running_mean': -torch.ones(3),
            'count': torch.tensor(3), 'half': torch.ones(2, dtype=torch.float16)}
    refuse_impossible(good)
    with pytest.raises(CheckpointError, match=r'half: 1 of 2 values are NaN or infinite; '
                       r'a\.running_var: 2 of 3 variances are negative'):
        refuse_impossible({'half': torch.tensor([1, bad], dtype=torch.float16),
                           'a.running_var': torch.tensor([-1.0, 0, -2])})
    with pytest.raises(CheckpointError, match='; and 2 more'):
        refuse_impossible({name: torch.tensor(bad) for name in 'abcde'})


def test_the_state_of_a_schedule_of_steps_is_no_weight(tmp_path):
    model = torch.nn.Linear(2, 2)
    schedule = torch.optim.lr_scheduler.MultiStepLR(torch.optim.SGD(model.parameters(), 1), [3])
    for legacy in (False, True):
        torch.save({'model': model.state_dict(), 'scheduler': schedule.state_dict(),
                    'seen': Counter()}, tmp_path / 'x.pth',
                   _use_new_zipfile_serialization=not legacy)
        assert set(read_source(tmp_path / 'x.pth').weights) == {'weight', 'bias'}
