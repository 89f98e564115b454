import numpy as np
import pytest
import yaml

from panoptic_ros import UNLABELED, LabelSpace


def test_cityscapes_has_the_nineteen_official_classes(cityscapes):
    assert len(cityscapes) == 19
    assert cityscapes.label_divisor == 1000
    assert cityscapes.names[0] == 'road'
    assert cityscapes.names[18] == 'bicycle'
    assert cityscapes.thing_ids == tuple(range(11, 19))
    assert cityscapes.stuff_ids == tuple(range(11))
    assert [c.dataset_id for c in cityscapes.categories] == [
        7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]


def test_cityscapes_agrees_with_the_official_scripts(cityscapes):
    official = pytest.importorskip('cityscapesscripts.helpers.labels',
                                   reason='cityscapesscripts is not installed')
    for label in official.labels:
        if 0 <= label.trainId < 19:
            ours = cityscapes.categories[label.trainId]
            assert (ours.name, ours.dataset_id, ours.is_thing, ours.color) == (
                label.name, label.id, label.hasInstances, label.color)


def test_decoding_labels(cityscapes):
    labels = np.array([[0, 13001, 18999, UNLABELED]], np.uint16)
    assert cityscapes.semantic(labels).tolist() == [[0, 13, 18, 255]]
    assert cityscapes.instances(labels).tolist() == [[0, 1, 999, 0]]


def test_survives_a_round_trip_through_plain_data(cityscapes):
    assert LabelSpace.from_dict(cityscapes.to_dict()) == cityscapes


def test_loads_from_a_path(tmp_path, cityscapes):
    path = tmp_path / 'mine.yaml'
    path.write_text(yaml.safe_dump(cityscapes.to_dict()))
    assert LabelSpace.load(path) == cityscapes


def test_a_file_that_changes_is_read_again(tmp_path, cityscapes):
    assert LabelSpace.load('cityscapes') is cityscapes
    path = tmp_path / 'mine.yaml'
    for name in ('first', 'other', 'third'):
        path.write_text(yaml.safe_dump({**cityscapes.to_dict(), 'name': name}))
        assert LabelSpace.load(path).name == name


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(FileNotFoundError, match=r"'mars'.*'cityscapes'"):
        LabelSpace.load('mars')


@pytest.mark.parametrize(('change', 'message'), [
    ({'label_divisor': 1}, 'label_divisor is 1: expected 2 to 65535'),
    ({'label_divisor': 65000}, 'must lie between 2 and 32767'),
    ({'categories': []}, 'categories .* 0 elements: expected 1 to 255'),
    ({'categories': [{'name': 'a', 'dataset_id': 0, 'thing': True, 'color': [0, 0, 256]}]},
     r'color\[2\] is 256: expected 0 to 255'),
    ({'categories': [{'name': 'a', 'dataset_id': 0, 'thing': True, 'color': [0, 0]}]},
     r'categories\[0\]\.color is a list of 2: expected a list of 3'),
    ({'categories': [{'name': 'a', 'dataset_id': 0, 'thing': True, 'color': [0, 0, 0]}] * 2},
     "has the name 'a' twice"),
    ({'categories': 3}, 'categories is 3: expected a list'),
])
def test_refuses_what_is_no_label_space(change, message):
    data = {'name': 'x', 'label_divisor': 256, 'categories': [
        {'name': 'a', 'dataset_id': 0, 'thing': True, 'color': [1, 2, 3]},
        {'name': 'b', 'dataset_id': 1, 'thing': False, 'color': [3, 2, 1]}]}
    LabelSpace.from_dict(data)
    with pytest.raises(ValueError, match=message):
        LabelSpace.from_dict(data | change)


def test_error_in_a_file_names_the_file(tmp_path):
    path = tmp_path / 'broken.yaml'
    path.write_text('name: [unclosed')
    with pytest.raises(ValueError, match=r'broken\.yaml'):
        LabelSpace.load(path)


def test_aliases_that_nest_without_end_are_refused_at_once(tmp_path):
    """Ten references to ten references and so on: written out, this is larger than any memory."""
    path = tmp_path / 'bomb.yaml'
    levels = [f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 10)}]' for n in range(1, 30)]
    path.write_text('\n'.join([
        'a0: &a0 ha', *levels, 'name: x', 'label_divisor: 256',
        'categories: [{name: *a29, dataset_id: 0, thing: true, color: [1, 2, 3]}]']))
    with pytest.raises(ValueError, match=r'bomb\.yaml: it has an alias .* line 2'):
        LabelSpace.load(path)


def test_a_file_of_any_size_is_not_read(tmp_path):
    path = tmp_path / 'large.yaml'
    with path.open('w') as file:
        file.truncate(1 << 40)      # sparse: it takes no space
    with pytest.raises(ValueError, match='bytes: a label space has 262144 at most'):
        LabelSpace.load(path)


def test_a_file_that_would_run_code_does_not(tmp_path):
    path = tmp_path / 'code.yaml'
    path.write_text(f'name: !!python/object/apply:os.mkdir ["{tmp_path / "made"}"]')
    with pytest.raises(ValueError, match=r'code\.yaml'):
        LabelSpace.load(path)
    assert not (tmp_path / 'made').exists()
