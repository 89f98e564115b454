"""The options of every family: what is made of them, and what has to say the same."""

import re
from dataclasses import fields

import pytest
import yaml

from panoptic_ros import families
from panoptic_ros.families import deeplab
from panoptic_ros.families.options import FROM_MODEL, chosen, describe, foreign, recommended
from panoptic_ros.resources import share_directory

FILE = share_directory() / 'config' / 'panoptic.yaml'
FAMILIES = [families.find(name) for name in families.names()]


@pytest.fixture(params=FAMILIES, ids=lambda family: family.name)
def family(request):
    return request.param


def test_options_are_described_by_their_fields(family):
    described = describe(family)
    assert [option.name for option in described] == [f.name for f in fields(family.options)]
    for option in described:
        assert type(option.default) is option.kind
        assert FROM_MODEL < option.least <= option.default <= option.most
        assert re.fullmatch(r'[A-Z].*[.]', option.help), 'a sentence'


def test_the_parameter_file_has_every_option(family):
    """Left to the model, and of the type that the parameter has."""
    values = yaml.safe_load(FILE.read_text())['/**']['ros__parameters'][family.name]
    expected = {option.name: option.kind(FROM_MODEL) for option in describe(family)}
    assert values == expected
    assert {name: type(value) for name, value in values.items()} == {
        option.name: option.kind for option in describe(family)}


def test_the_parameter_file_explains_every_option_as_its_field_does(family):
    block = re.search(rf'^    {family.name}:.*\n((?:      .*\n)+)', FILE.read_text(), re.M)[1]
    comments = dict(re.findall(r'^ {6}(\w+): \S+ +# (.*\n(?: +# .*\n)*)', block, re.M))
    found = {name: ' '.join(re.sub(r'\n +#', ' ', text).split())
             for name, text in comments.items()}
    assert found == {option.name: option.help[0].lower() + option.help[1:].removesuffix('.')
                     for option in describe(family)}


def test_what_the_model_recommends_stands_until_it_is_chosen_otherwise():
    by_model = recommended(deeplab.FAMILY, {'nms_kernel': 13, 'stuff_area': 400})
    assert by_model == deeplab.Options(nms_kernel=13, stuff_area=400)
    given = {'deeplab.nms_kernel': FROM_MODEL, 'deeplab.stuff_area': 0,
             'deeplab.center_threshold': float(FROM_MODEL), 'other.top_k': 3}
    assert chosen(deeplab.FAMILY, by_model, given) == deeplab.Options(nms_kernel=13, stuff_area=0)


@pytest.mark.parametrize(('by_model', 'reason'), [
    ({'overlap': 0.8}, "no option 'overlap': expected some of center_threshold, nms_kernel"),
    ({'nms_kernel': 4}, 'nms_kernel is 4: expected an odd number'),
    ({'top_k': '9'}, "top_k is '9': expected a whole number")])
def test_what_no_model_can_recommend(by_model, reason):
    with pytest.raises(ValueError, match=reason):
        recommended(deeplab.FAMILY, by_model)


def test_what_nobody_can_choose():
    with pytest.raises(ValueError, match=r'center_threshold is 1\.5: expected 0 to 1'):
        chosen(deeplab.FAMILY, deeplab.Options(), {'deeplab.center_threshold': 1.5})


def test_a_choice_for_another_family_is_found():
    left = {'other.most': FROM_MODEL, 'deeplab.top_k': 5}
    assert foreign(deeplab.FAMILY, left) is None
    assert foreign(deeplab.FAMILY, left | {'other.overlap': 0.5}) == 'other.overlap'
