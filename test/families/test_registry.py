from unittest.mock import Mock

import other_family
import pytest

from panoptic_ros import families


def test_a_family_is_a_folder(tmp_path, monkeypatch):
    before = families.names()
    assert 'deeplab' in before
    other_family.add(tmp_path, monkeypatch)
    assert families.names() == tuple(sorted((*before, 'other')))
    assert families.find('other').name == 'other'


def test_folders_are_looked_for_once(monkeypatch):
    found = families.names()
    monkeypatch.setattr(families, 'iter_modules', Mock(side_effect=OSError('being upgraded')))
    assert families.names() == found


@pytest.mark.parametrize('name', families.names())
def test_a_folder_is_called_as_its_family(name):
    assert families.find(name).name == name


@pytest.mark.parametrize('name', ['masks2', '', '..', 'options', 'deeplab.cpu'])
def test_what_is_no_family_is_refused_with_those_that_there_are(name):
    with pytest.raises(ValueError, match=rf"family is '{name}': expected one of .*deeplab"):
        families.find(name)
