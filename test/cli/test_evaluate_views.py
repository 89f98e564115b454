import json

import cv2
import dataset_trees
import numpy as np
import pytest
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace, Panoptic
from panoptic_ros.cli.evaluate import main
from panoptic_ros.cli.views_picture import TITLES, four_views
from panoptic_ros.datasets import open_dataset
from panoptic_ros.evaluation.class_agnostic import erase_classes
from panoptic_ros.evaluation.held_out import single_frame
from panoptic_ros.evaluation.views import Views

SPACE = LabelSpace.load('cityscapes')


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)


def test_label_images_in_four_views(tmp_path, capsys):
    expected = Views(SPACE)
    for seed in range(3):
        pair = scene_pair(seed, SPACE)
        expected.update(*pair)
        for name, labels in zip(('prediction', 'truth'), pair, strict=True):
            write(tmp_path / name / f'{seed}.png', labels)
    main(['--predictions', str(tmp_path / 'prediction'), '--truth', str(tmp_path / 'truth'),
          '--views', '--workers', '1', '--json', str(tmp_path / 'report.json')])
    data = json.loads((tmp_path / 'report.json').read_text())
    for key, value in expected.to_dict().items():
        assert data[key] == value
    out = capsys.readouterr().out
    for figure in (data['views']['class-agnostic']['rq'], data['views']['instance']['unseen_pq'],
                   data['lost_quality']['stuff']['mask']):
        assert f'{figure:.2f}' in out
    assert max(map(len, out.splitlines())) <= 80
    assert '…' not in out

    for seed in range(3):       # the same segments, as files of others
        ids = erase_classes(scene_pair(seed, SPACE)[0], SPACE, 'prediction')
        write(tmp_path / 'ids' / f'{seed}.png', np.where(ids == UNLABELED, 0, ids))
    main(['--predictions', str(tmp_path / 'ids'), '--truth', str(tmp_path / 'truth'),
          '--class-agnostic', '--workers', '1', '--json', str(tmp_path / 'ids.json')])
    of_ids = json.loads((tmp_path / 'ids.json').read_text())['views']['class-agnostic']
    assert of_ids.items() <= data['views']['class-agnostic'].items()


@pytest.mark.parametrize('predictor', [
    'model', pytest.param('baseline', marks=pytest.mark.slow)])
def test_streets_in_four_views_with_a_picture(predictor, tiny_onnx, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('panoptic_ros.cli.evaluate.BASELINE_FRAMES', 3)
    picture = tmp_path / 'pictures' / 'views.jpg'
    main(['--streets', '2', '--size', '96x192', '--workers', '1', '--views', '--picture',
          str(picture), '--json', str(tmp_path / 'report.json'),
          *(['--model', str(tiny_onnx)] if predictor == 'model' else ['--baseline', 'color'])])
    data = json.loads((tmp_path / 'report.json').read_text())
    assert data['frames'] == 2
    assert sum(data['lost_quality']['all'].values()) == pytest.approx(
        100 - data['panoptic_quality']['all']['pq'])
    assert f'{data["views"]["class-agnostic"]["pq"]:.2f}' in capsys.readouterr().out
    assert cv2.imread(str(picture)).shape == (2 * (240 + 30) + 6, 2 * 480 + 6, 3)


@pytest.mark.parametrize('place', ['a.png', 'file/a.png'])
def test_a_picture_that_cannot_be_written_is_told_before_measuring(place, tmp_path, capsys,
                                                                   monkeypatch):
    monkeypatch.setattr('panoptic_ros.cli.evaluate._evaluate_model', pytest.fail)
    (tmp_path / 'a.png').mkdir()
    (tmp_path / 'file').touch()
    with pytest.raises(SystemExit):
        main(['--streets', '1', '--views', '--picture', str(tmp_path / place)])
    assert f'cannot write {tmp_path / place}: expected' in capsys.readouterr().err


@pytest.mark.slow
def test_a_picture_that_fails_leaves_the_report(tiny_onnx, tmp_path, capsys, monkeypatch):
    def fail(*_):
        raise OSError('no room')
    monkeypatch.setattr('panoptic_ros.cli.evaluate.image_files.write', fail)
    with pytest.raises(SystemExit):
        main(['--streets', '1', '--size', '96x192', '--workers', '1', '--views', '--model',
              str(tiny_onnx), '--picture', str(tmp_path / 'new' / 'a.png'), '--json',
              str(tmp_path / 'report.json')])
    assert 'no room' in capsys.readouterr().err
    assert json.loads((tmp_path / 'report.json').read_text())['frames'] == 1
    assert list((tmp_path / 'new').iterdir()) == []


@pytest.mark.parametrize('options', [[], ['--class-agnostic']])
def test_predictions_without_a_truth_are_counted(options, tmp_path, capsys):
    labels = scene_pair(0, SPACE)[0]
    for name in ('truth/a/1', 'prediction/a/1', 'prediction/a/2', 'prediction/1',
                 'prediction/.b/1'):
        write(tmp_path / f'{name}.png', labels)
    for count in (2, 0):
        main(['--predictions', str(tmp_path / 'prediction'), '--truth', str(tmp_path / 'truth'),
              '--workers', '1', *options])
        told = f'2 PNG files of {tmp_path / "prediction"} without a truth: not measured'
        assert (told in capsys.readouterr().err) == bool(count)
        for name in ('a/2', '1'):
            (tmp_path / f'prediction/{name}.png').unlink(missing_ok=True)


def test_a_shattered_prediction_is_told(tmp_path, capsys):
    noise = np.full((520, 520), UNLABELED, np.uint16)
    noise[::2, ::2] = 0
    for name, labels in (('truth', np.zeros_like(noise)), ('prediction', noise)):
        write(tmp_path / name / '1.png', labels)
    main(['--predictions', str(tmp_path / 'prediction'), '--truth', str(tmp_path / 'truth'),
          '--views', '--workers', '1'])
    assert 'the class-agnostic view lacks 1 of them' in capsys.readouterr().out


def test_panels_show_what_their_views_see():
    image, truth = single_frame(1000000, (240, 480))
    other = truth.labels.copy()
    things = np.isin(truth.labels, truth.things.label)
    other[things] += 1          # other identities, the same classes
    panels = [[row[:, :480], row[:, 486:]] for row in (
        four_views(image, Panoptic.from_labels(labels, SPACE))[top:top + 240]
        for labels in (truth.labels, other) for top in (30, 306))]
    (panoptic, semantic), (instance, segments), (_, other_semantic), (_, other_segments) = panels
    np.testing.assert_array_equal(semantic, other_semantic)
    np.testing.assert_array_equal(segments, other_segments)
    assert (panoptic != semantic)[things].any()
    boxes = np.zeros(things.shape, bool)
    for x0, y0, x1, y1 in truth.things.box:
        boxes[max(0, y0 - 25):y1, max(0, x0 - 90):x1 + 90] = True
    grey = instance[~boxes].astype(int)
    assert len(grey)
    assert not np.ptp(grey, axis=-1).any()
    assert len(TITLES) == 4


def test_segments_of_others_are_measured_without_classes(tmp_path, capsys):
    frames = open_dataset('kitti-step', dataset_trees.tree('kitti-step', tmp_path / 'data'))
    for index, name in enumerate(frames.names):
        truth = frames.truth(index)
        write(tmp_path / 'truth' / f'{name}.png', truth)
        write(tmp_path / 'ids' / f'{name}.png', (truth // 3000 + 1).astype(np.uint16))
    reports = []
    for source in (['--kitti-step', str(tmp_path / 'data')],
                   ['--truth', str(tmp_path / 'truth'), '--labels', 'kitti-step']):
        main(['--predictions', str(tmp_path / 'ids'), '--class-agnostic', *source, '--workers',
              '1', '--json', str(tmp_path / 'report.json')])
        reports.append(json.loads((tmp_path / 'report.json').read_text()))
    assert reports[0]['views'] == reports[1]['views']
    result = reports[0]['views']['class-agnostic']
    assert 0 < result['pq'] < 100
    assert reports[0]['frames'] == len(frames)
    out = capsys.readouterr().out
    assert f'{result["large"]["sq"]:.2f}' in out
    for view, reason in reports[0]['not_measured'].items():
        assert f'{view} view: not measured, {reason}' in out
    assert set(reports[0]['not_measured']) == {'panoptic', 'semantic', 'instance'}


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--streets', '1', '--class-agnostic'], '--class-agnostic measures the segments of others'),
    (['--predictions', 'a', '--class-agnostic'], 'give either --streets'),
    (['--predictions', 'a', '--truth', 'b', '--streets', '1', '--class-agnostic'],
     'give either --streets'),
    (['--predictions', 'a', '--streets', '1', '--class-agnostic', '--model', 'streets'],
     '--model is of a model'),
    (['--predictions', 'a', '--streets', '1', '--class-agnostic', '--labels', 'coco'],
     '--labels is the label space'),
    (['--predictions', 'a', '--streets', '1', '--class-agnostic', '--baseline', 'color'],
     '--baseline learns the colours'),
    (['--predictions', 'nowhere', '--streets', '1', '--class-agnostic'],
     'nowhere lacks 1 of the 1 images of segment ids'),
    (['--streets', '1', '--views', '--oracle'], '--views measures single frames'),
    (['--streets', '1', '--views', '--clip', '5'], '--views measures single frames'),
    (['--predictions', 'a', '--truth', 'b', '--class-agnostic', '--views'],
     '--views measures single frames of a prediction with classes'),
    (['--streets', '1', '--picture', 'a.png'], '--picture draws a frame that is predicted'),
    (['--predictions', 'a', '--truth', 'b', '--views', '--picture', 'a.png'],
     '--picture draws a frame that is predicted'),
    (['--streets', '1', '--views', '--picture', 'a.txt'], "'a.txt': expected the name of a pic"),
])
def test_wrong_arguments_end_with_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code in (1, 2)
    error = capsys.readouterr().err
    assert message in error
    assert 'Traceback' not in error


def test_a_wrong_file_is_named(tmp_path, capsys):
    write(tmp_path / '1000000.png', np.zeros((96, 192, 3), np.uint8))
    with pytest.raises(SystemExit):
        main(['--predictions', str(tmp_path), '--streets', '1', '--size', '96x192',
              '--class-agnostic', '--workers', '1'])
    assert '1000000.png is 8-bit colour: expected a 16-bit grey PNG' in capsys.readouterr().err
