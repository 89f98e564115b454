"""Where a model's tensors are kept is found in its bytes, as ``onnx`` finds it in its messages."""

import os
from contextlib import suppress

import onnx
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from panoptic_ros.engine.external_data import FIELDS, check_inside, external_files

MESSAGES = {'model': 'ModelProto', 'training': 'TrainingInfoProto', 'graph': 'GraphProto',
            'function': 'FunctionProto', 'node': 'NodeProto', 'attribute': 'AttributeProto',
            'sparse': 'SparseTensorProto', 'tensor': 'TensorProto'}
NAMES = {full: name for name, full in MESSAGES.items()}


def leads_to_tensors(message, seen=()):
    return message.name == 'TensorProto' or any(
        leads_to_tensors(field.message_type, (*seen, message.name)) for field in message.fields
        if field.message_type is not None and field.message_type.name not in (*seen, message.name))


def test_every_field_that_leads_to_a_tensor_is_known():
    pending, known = [onnx.ModelProto.DESCRIPTOR], {}
    while pending:
        message = pending.pop()
        if message.name in known or message.name == 'TensorProto':
            continue
        children = {field.number: field.message_type for field in message.fields
                    if field.message_type is not None and leads_to_tensors(field.message_type)}
        known[message.name] = {number: NAMES[c.name] for number, c in children.items()}
        pending += children.values()
    assert known == {MESSAGES[name]: FIELDS[name] for name in MESSAGES if name != 'tensor'}
    tensor = onnx.TensorProto.DESCRIPTOR.fields_by_name
    assert FIELDS['tensor'] == {tensor['external_data'].number: 'entry'}
    assert tensor['data_location'].number == 14
    entry = onnx.StringStringEntryProto.DESCRIPTOR.fields
    assert FIELDS['entry'] == {field.number: field.name for field in entry}


names = st.text(max_size=5)
NO_GRAPHS = st.just([])


@st.composite
def tensors(draw):
    tensor = onnx.TensorProto(name=draw(names), data_type=1, dims=[1])
    if draw(st.booleans()):
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key in draw(st.permutations(['location', 'offset', 'checksum'])):
            tensor.external_data.add(key=key, value=draw(names))
    else:
        tensor.raw_data = draw(st.binary(max_size=9))
    return tensor


def attributes(graphs):
    def build(name, tensors, graphs, floats, sparse):
        attribute = onnx.AttributeProto(name=name, tensors=tensors, graphs=graphs, floats=floats)
        if tensors:
            attribute.t.CopyFrom(tensors[0])
        if graphs:
            attribute.g.CopyFrom(graphs[0])
        for tensor in sparse:
            attribute.sparse_tensors.add(values=tensor, indices=tensor)
            attribute.sparse_tensor.indices.CopyFrom(tensor)
        return attribute
    few = st.lists(tensors(), max_size=2)
    return st.builds(build, names, few, graphs, st.lists(st.floats(width=32), max_size=3),
                     st.lists(tensors(), max_size=1))


def nodes(graphs):
    return st.lists(st.builds(
        lambda name, attributes: onnx.NodeProto(name=name, op_type='Any', attribute=attributes),
        names, st.lists(attributes(graphs), max_size=2)), max_size=2)


def graphs_of(inner):
    def build(nodes, tensors, sparse):
        graph = onnx.GraphProto(name='graph', node=nodes, initializer=tensors)
        for tensor in sparse:
            graph.sparse_initializer.add(values=tensor)
        return graph
    few = st.lists(tensors(), max_size=2)
    return st.builds(build, nodes(st.lists(inner, max_size=2)), few, few)


graphs = st.recursive(
    st.builds(lambda tensors: onnx.GraphProto(name='graph', initializer=tensors),
              st.lists(tensors(), max_size=2)), graphs_of, max_leaves=4)


@st.composite
def models(draw):
    model = onnx.ModelProto(graph=draw(graphs), ir_version=10)
    for _ in range(draw(st.integers(0, 1))):
        model.functions.add(node=draw(nodes(NO_GRAPHS)),
                            attribute_proto=draw(st.lists(attributes(NO_GRAPHS), max_size=1)))
        model.training_info.add(algorithm=draw(graphs), initialization=draw(graphs))
    return model


def by_onnx(message):
    """The locations in a message and all that are in it, whatever their names."""
    if isinstance(message, onnx.TensorProto):
        return {entry.value for entry in message.external_data if entry.key == 'location'}
    found = set()
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if isinstance(value, type(onnx.ModelProto().functions)) else (
                    value if hasattr(value, '__len__') else [value]):
                found |= by_onnx(inner)
    return found


@pytest.mark.slow
@settings(max_examples=examples(150))
@given(models())
def test_what_onnx_finds_is_found(model):
    assert external_files(model.SerializeToString()) == by_onnx(model)


@settings(max_examples=examples(300))
@given(models(), st.data())
def test_damaged_bytes_are_refused_or_read_as_onnx_reads_them(model, data):
    content = bytearray(model.SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = external_files(bytes(content))
    except ValueError:
        return
    try:
        read = by_onnx(onnx.ModelProto.FromString(bytes(content)))
    except Exception:       # protobuf's refusal, or a text that is no UTF-8
        return
    assert {os.fsencode(name) for name in read} <= {os.fsencode(name) for name in found}


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(content):
    with suppress(ValueError):
        assert isinstance(external_files(content), frozenset)


def test_a_tensor_that_says_no_place_is_told():
    tensor = onnx.TensorProto(data_location=onnx.TensorProto.EXTERNAL)
    model = onnx.ModelProto(graph=onnx.GraphProto(initializer=[tensor]))
    assert external_files(model.SerializeToString()) == {''}


@pytest.mark.slow
def test_the_work_is_bounded():
    def field(number, content):
        size, length = len(content), b''
        while size > 127:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + content

    graph = b''
    for _ in range(100):
        graph = field(1, field(5, field(6, graph)))
    with pytest.raises(ValueError, match='nested more than 100 messages deep'):
        external_files(field(7, graph))
    with pytest.raises(ValueError, match='more than 1048576 fields'):
        external_files(b'\x08\x01' * ((1 << 20) + 1))


@pytest.mark.parametrize('name', ['', '../outside', '/etc/hostname', 'link', 'deep/../../outside',
                                  'folder/outside', '*/_ORT_MEM_ADDR_/*', 'nul\0', 'absent',
                                  'deep', 'loop', '\udcff'])
def test_only_files_inside_the_folder_are_taken(tmp_path, name):
    model = tmp_path / 'model' / 'model.onnx'
    deep = model.parent / 'deep'
    deep.mkdir(parents=True)
    for file in (model, deep / 'weights', model.parent / 'weights', tmp_path / 'outside'):
        file.write_bytes(b'1234')
    (model.parent / '*' / '_ORT_MEM_ADDR_').mkdir(parents=True)
    (model.parent / '*' / '_ORT_MEM_ADDR_' / '*').write_bytes(b'1234')
    (model.parent / 'link').symlink_to(tmp_path / 'outside')
    (model.parent / 'folder').symlink_to(tmp_path)
    (model.parent / 'inside').symlink_to('deep/weights')
    (model.parent / 'loop').symlink_to('loop')
    check_inside(model, frozenset({'weights', 'deep/weights', 'inside', 'deep/../weights'}))
    with pytest.raises(ValueError, match='it keeps a tensor in') as refused:
        check_inside(model, frozenset({name}))
    str(refused.value).encode()
