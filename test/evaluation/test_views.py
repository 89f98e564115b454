import json
from functools import partial

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace, Panoptic
from panoptic_ros.evaluation import Evaluation, Pair
from panoptic_ros.evaluation.parallel import accumulate
from panoptic_ros.evaluation.translation import translation
from panoptic_ros.evaluation.view_tables import LOST_HEADER, VIEW_HEADER, lost_rows, view_rows
from panoptic_ros.evaluation.views import UNSEEN, Views

SPACE = LabelSpace.load('cityscapes')


def views_of(*pairs, space=SPACE):
    views = Views(space)
    for pair in pairs:
        views.update(*pair)
    return views


def load(seed):
    return Pair(*scene_pair(seed, SPACE, (40, 60)))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=examples(20))
def test_each_view_is_blind_to_what_it_does_not_see(seed):
    prediction, truth = scene_pair(seed, SPACE, (40, 60))
    views = views_of((prediction, truth)).to_dict()
    known = prediction != UNLABELED

    class_id, instance = prediction // 1000, prediction % 1000
    merged = np.where(known & (instance > 0), class_id * 1000 + 1, prediction)  # one of each class
    assert views_of((merged.astype(np.uint16), truth)).to_dict()['mean_iou'] == views['mean_iou']

    stuff = np.where(known & (instance == 0), 10000, prediction)        # all stuff is sky
    assert views_of((stuff.astype(np.uint16), truth)).to_dict()[
        'average_precision'] == views['average_precision']

    new_class = np.roll(SPACE.thing_ids, 1)[np.searchsorted(SPACE.thing_ids, class_id) % 8]
    renamed = np.where(known & (instance > 0), new_class * 1000 + instance, prediction)
    assert views_of((renamed.astype(np.uint16), truth)).to_dict()['views']['class-agnostic'][
        'tp'] == views['views']['class-agnostic']['tp']


def test_views_hold_the_evaluation_and_order_does_not_matter():
    pairs = [load(seed) for seed in range(4)]
    views = views_of(*pairs)
    data = views.to_dict()
    plain = Evaluation(SPACE)
    for pair in pairs:
        plain.update(*pair)
    for key, value in plain.to_dict().items():
        assert data[key] == value
    assert data['views']['panoptic']['pq'] == data['panoptic_quality']['all']['pq']
    assert data['views']['semantic']['miou'] == data['mean_iou']['mean']
    assert data['views']['instance']['ap50'] == data['average_precision']['ap50']
    backwards = views_of(*pairs[:1:-1]).merge(views_of(*pairs[1::-1])).to_dict()['views']
    for view, figures in data['views'].items():
        figures.pop('large', None)
        for key, value in figures.items():
            assert backwards[view][key] == (value if isinstance(value, str) or value is None else
                                            pytest.approx(value))


def test_what_is_unseen_is_part_of_what_is_lost():
    views = views_of(*(load(seed) for seed in range(6)))
    lost, unseen = views.lost_quality.compute(), views.unseen()
    assert unseen['panoptic'] == 0 < unseen['class-agnostic'] == lost.all['class']
    assert unseen['semantic'] == lost.all['merged'] + lost.all['split'] > 0
    occur = [SPACE.is_thing[SPACE.names.index(name)] for name in lost.per_class]
    things, stuff = (sum(group.values()) for group in (lost.things, lost.stuff))
    assert unseen['instance'] == pytest.approx(stuff * (1 - np.mean(occur)))
    assert sum(lost.all.values()) - unseen['instance'] == pytest.approx(things * np.mean(occur))


@pytest.mark.slow
def test_workers_change_nothing():
    one, two = (accumulate(partial(Views, SPACE), range(6), load, workers) for workers in (1, 2))
    assert one.to_dict() == two.to_dict()


def test_a_result_of_a_richer_label_space_is_measured_as_its_translation():
    space = LabelSpace.load('kitti-step')
    found, _ = scene_pair(3, SPACE, crowd=False)
    truth = scene_pair(3, space)[1]
    translated = translation(SPACE, space)[found]
    views = views_of((Panoptic.from_labels(found, SPACE), truth), space=space)
    assert views.to_dict() == views_of((translated, truth), space=space).to_dict()


def test_tables_have_the_figures_of_the_report():
    views = views_of(load(1), load(2))
    data = views.to_dict()
    rows = {name: dict(zip(VIEW_HEADER, (name, *cells), strict=True))
            for name, *cells in view_rows(views)}
    assert rows['PQ']['class-agnostic'] == data['views']['class-agnostic']['pq']
    assert rows['SQ']['from 100 px'] == data['views']['class-agnostic']['large']['sq']
    assert rows['AP']['instance'] == data['views']['instance']['ap']
    for view in UNSEEN:
        assert rows['PQ lost'][view] == data['views'][view]['unseen_pq']
    lost = {name.strip(): dict(zip(LOST_HEADER, (name, *cells), strict=True))
            for name, *cells in lost_rows(views)}
    for cause, points in data['lost_quality']['all'].items():
        assert lost[cause]['all'] == points
        assert lost[cause]['unmatched'] == data['lost_quality']['unmatched'][cause]
    whole = 100 - data['panoptic_quality']['all']['pq']
    assert lost['all, 100 - PQ']['all'] == pytest.approx(whole)
    assert lost['mask']['share'] == f'{data["lost_quality"]["all"]["mask"] / whole:.1%}'


def test_nothing_counted_has_dashes_and_is_still_json():
    views = Views(SPACE)
    json.dumps(views.to_dict(), allow_nan=False)
    assert [cells[0] for _, *cells in view_rows(views)][:3] == ['-'] * 3
    assert {cells[1] for _, *cells in lost_rows(views)} == {'-'}


def test_a_shattered_prediction_lacks_only_the_class_agnostic_view():
    noise = np.full((520, 520), UNLABELED, np.uint16)
    noise[::2, ::2] = 0
    shattered = views_of((noise, np.zeros_like(noise)))
    regions = views_of(load(1))
    both = views_of(load(1)).merge(shattered)
    assert (regions.shattered, both.shattered) == (0, 1)
    assert both.panoptic_quality.images == 2
    assert both.mean_iou.compute() != regions.mean_iou.compute()
    data = both.to_dict()['views']['class-agnostic']
    assert data['shattered'] == 1
    assert {**data, 'shattered': 0}.items() >= regions.class_agnostic.to_dict().items()


def test_other_label_spaces_do_not_merge():
    with pytest.raises(ValueError, match='cannot merge label space'):
        Views(SPACE).merge(Views(LabelSpace.load('coco')))
