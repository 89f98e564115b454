import json
import subprocess
import sys
from contextlib import closing

import cv2
import dataset_trees
import numpy as np
import pytest
import tiny_model
from label_scenes import scene_pair

from panoptic_ros import LabelSpace, Segmenter
from panoptic_ros.cli.evaluate import main
from panoptic_ros.datasets import KittiStep, open_dataset
from panoptic_ros.engine import ModelMetadata, OnnxEngine
from panoptic_ros.evaluation import Evaluation, VideoPanopticQuality
from panoptic_ros.evaluation.averaged_engine import AveragedEngine
from panoptic_ros.evaluation.held_out import single_frame
from panoptic_ros.streets import Drive
from panoptic_ros.tracking import Tracker

SPACE = LabelSpace.load('cityscapes')


@pytest.fixture
def folders(tmp_path):
    for name in ('prediction', 'truth'):
        (tmp_path / name).mkdir()
    for seed in range(4):
        for name, labels in zip(('prediction', 'truth'), scene_pair(seed, SPACE), strict=True):
            cv2.imwrite(str(tmp_path / name / f'{seed}.png'), labels)
    return tmp_path


def test_files_as_a_command_with_workers(folders):
    report = folders / 'reports' / 'pq.json'
    done = subprocess.run(
        [sys.executable, '-m', 'panoptic_ros.cli.evaluate', '--predictions',
         folders / 'prediction', '--truth', folders / 'truth', '--workers', '2', '--json', report],
        check=True, capture_output=True, text=True, timeout=120)
    expected = Evaluation(SPACE)
    for seed in range(4):
        expected.update(*scene_pair(seed, SPACE))
    data = json.loads(report.read_text())
    assert data['frames'] == 4
    for key, value in expected.to_dict().items():
        assert data[key] == value
    pq = expected.panoptic_quality.compute()
    for figure in (pq.all.pq, pq.things.sq, pq.per_class['car'].rq):
        assert f'{figure:.2f}' in done.stdout
    assert f'mIoU {expected.mean_iou.compute().mean:.2f}' in done.stdout


@pytest.mark.parametrize('chosen', ['model', 'baseline'])
def test_streets(chosen, tiny_onnx, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('panoptic_ros.cli.evaluate.BASELINE_FRAMES', 3)
    report = tmp_path / 'report.json'
    main(['--streets', '3', '--size', '96x192', '--seed', '1000100', '--workers', '1', '--json',
          str(report), *(['--model', str(tiny_onnx)] if chosen == 'model' else
                         ['--baseline', 'color'])])
    data = json.loads(report.read_text())
    assert data['frames'] == 3
    assert data['source'] == {'streets': [96, 192], 'first_seed': 1000100}
    assert data['predictor'][chosen] == (tiny_onnx.name if chosen == 'model' else 'color')
    assert data['prediction']['p50_ms'] * data['prediction']['frames_per_second'] == pytest.approx(
        1000)
    assert 0 <= data['panoptic_quality']['all']['pq'] < 25      # colour alone is no solution
    assert 0 < data['mean_iou']['mean'] < 60
    out = capsys.readouterr().out
    assert f'{data["panoptic_quality"]["all"]["pq"]:.2f}' in out
    assert f'{data["prediction"]["frames_per_second"]:.1f} frames/s' in out


def test_clips(tiny_onnx, tmp_path, capsys):
    report = tmp_path / 'report.json'
    main(['--streets', '2', '--clip', '5', '--size', '96x192', '--model', str(tiny_onnx), '--json',
          str(report)])
    data = json.loads(report.read_text())
    assert (data['clips'], data['frames']) == (2, 5)
    quality = data['video_panoptic_quality']
    assert set(quality) == {'each frame anew', 'tracked'}
    assert quality['tracked']['per_window']['1']['images'] == 10
    assert quality['tracked']['per_window']['4']['images'] == 4
    assert f'{quality["tracked"]["all"]:.2f}' in capsys.readouterr().out


def kitti_step(folder, numbers):
    """Write frames of a drive as KITTI-STEP, of given numbers at 10 Hz, and open it."""
    drive, frames = Drive(1_000_003, (96, 192)), []
    for number in numbers:
        image, labels = drive.image_and_labels(number / 10)
        frames.append((f'0002/{number:06d}', image, labels))
    return KittiStep(dataset_trees.kitti_step_tree(folder, frames))


def test_video_of_a_data_set_with_and_without_tracking(tiny_onnx, tmp_path, capsys):
    dataset = kitti_step(tmp_path / 'tree', (0, 1, 2, 3, 4, 7, 8))      # with a gap: two clips
    report = tmp_path / 'report.json'
    main(['--kitti-step', str(dataset.root), '--video', '--model', str(tiny_onnx), '--json',
          str(report)])
    data = json.loads(report.read_text())
    assert data['source'] == {'dataset': 'kitti-step', 'description': dataset.description}
    assert (data['clips'], data['frames']) == (2, 7)
    expected = {name: VideoPanopticQuality(dataset.label_space)
                for name in ('each frame anew', 'tracked')}
    with closing(Segmenter.open(tiny_onnx)) as segmenter:
        for clip in (range(5), range(5, 7)):
            tracker = Tracker(segmenter.label_space)
            for quality in expected.values():
                quality.begin_clip()
            for number, index in enumerate(clip):
                found, truth = segmenter(dataset.image(index)), dataset.truth(index)
                expected['each frame anew'].update(found, truth)
                expected['tracked'].update(tracker(found, number / 10), truth)
    printed = capsys.readouterr().out
    for name, quality in expected.items():
        assert data['video_panoptic_quality'][name] == quality.compute().to_dict()
        assert f'{quality.compute().mean():.2f}' in printed
    assert data['video_panoptic_quality']['tracked']['per_window']['4']['images'] == 2


def test_hidden_files_change_nothing_that_the_command_measures(tmp_path):
    dataset = kitti_step(tmp_path, range(4))
    for file in (dataset.image_file, dataset.label_file):
        path = dataset.root / file(dataset.names[0])
        path.with_name(f'._{path.name}').write_bytes(b'no image')
        (path.parent / '.ipynb_checkpoints').mkdir()
        path.parent.joinpath('.ipynb_checkpoints', path.name).write_bytes(b'no image')
    report = tmp_path / 'report.json'
    done = subprocess.run(
        [sys.executable, '-m', 'panoptic_ros.cli.evaluate', '--oracle', '--kitti-step',
         dataset.root, '--workers', '1', '--json', report],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    data = json.loads(report.read_text())
    assert data['frames'] == 4
    quality = data['oracle']['stride_1']['panoptic_quality']
    assert quality['all']['pq'] == 100
    assert quality['things']['classes'] <= 2
    dataset.root.joinpath(dataset.label_file(dataset.names[1])).write_bytes(
        b'version https://git-lfs.github.com/spec/v1\n')
    done = subprocess.run(
        [sys.executable, '-m', 'panoptic_ros.cli.evaluate', '--oracle', '--kitti-step',
         dataset.root, '--workers', '1'], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert f'{dataset.label_file(dataset.names[1])} is a pointer of git LFS' in done.stderr
    assert 'Traceback' not in done.stderr


def test_a_video_without_four_frames_that_follow_each_other_is_refused(tiny_onnx, tmp_path,
                                                                       capsys):
    dataset = kitti_step(tmp_path, (0, 1, 2, 4, 5))
    with pytest.raises(SystemExit):
        main(['--kitti-step', str(dataset.root), '--video', '--model', str(tiny_onnx)])
    assert 'at most 3 of them follow each other; expected 4' in capsys.readouterr().err


@pytest.mark.parametrize(('kind', 'name'), [
    ('cityscapes', 'ulm_{:06d}_000019'), ('kitti-step', '0002/{:06d}')])
def test_a_data_set_with_mirrors_and_scales(kind, name, tiny_onnx, tmp_path, capsys):
    frames = [(name.format(index), *single_frame(index, (96, 192))) for index in range(2)]
    make = getattr(dataset_trees, f'{kind.replace("-", "_")}_tree')
    make(tmp_path / 'tree', [(key, image, truth.labels) for key, image, truth in frames])
    metadata = ModelMetadata('tiny', (96, 192), 4, SPACE, {}, {}, {'stuff_area': 50})
    larger = tiny_model.build(tmp_path / 'larger.onnx', (96, 192), metadata.to_properties())
    report = tmp_path / 'report.json'
    main([f'--{kind}', str(tmp_path / 'tree'), '--model', str(tiny_onnx), '--flip', '--scales',
          str(larger), '--workers', '1', '--json', str(report)])
    data = json.loads(report.read_text())
    assert data['frames'] == 2
    assert data['source']['dataset'] == kind
    assert 'mean of 64x128, 96x192, each also mirrored' in data['predictor']['runtime']
    dataset = open_dataset(kind, tmp_path / 'tree')
    assert len(dataset.label_space.thing_ids) == (2 if kind == 'kitti-step' else 8)
    expected = Evaluation(dataset.label_space)
    with closing(Segmenter(AveragedEngine([OnnxEngine(tiny_onnx), OnnxEngine(larger)],
                                          flip=True))) as segmenter:
        for image, truth in dataset:
            expected.update(segmenter(image), truth)
    for key, value in expected.to_dict().items():
        assert data[key] == value
    assert f'AP {expected.average_precision.compute().mean.ap:.2f}' in capsys.readouterr().out


def test_the_oracle_tells_what_the_stride_costs(tmp_path, capsys):
    frames = [(f'ulm_{index:06d}_000019', *single_frame(index, (192, 384))) for index in range(2)]
    dataset_trees.cityscapes_tree(tmp_path, [(key, image, truth.labels)
                                             for key, image, truth in frames])
    report = tmp_path / 'report.json'
    main(['--oracle', '--cityscapes', str(tmp_path), '--workers', '1', '--json', str(report)])
    data = json.loads(report.read_text())
    full, coarse = (data['oracle'][f'stride_{stride}']['panoptic_quality']['all']['pq']
                    for stride in (1, 4))
    assert full == 100
    assert data['lost']['PQ'] == pytest.approx(full - coarse)
    assert data['lost']['PQ'] > 5
    assert f'{data["lost"]["PQ"]:.2f}' in capsys.readouterr().out


def test_the_oracle_loses_nothing_of_coco_at_full_resolution(tmp_path, capsys):
    dataset_trees.tree('coco', tmp_path)
    main(['--oracle', '--coco', str(tmp_path), '--workers', '1', '--json',
          str(tmp_path / 'report.json')])
    data = json.loads((tmp_path / 'report.json').read_text())
    assert data['oracle']['stride_1']['panoptic_quality']['all']['pq'] == 100


def test_crowd_alone_is_refused_where_it_would_count_as_never_found(tmp_path, capsys):
    """Trucks that nobody numbered, as in KITTI-STEP, where the label space has them as things."""
    truth = np.zeros((32, 64), np.uint16)
    truth[:8, :8], truth[:8, 20:28] = 14000, 13001
    prediction = truth.copy()
    prediction[:8, :8], prediction[20:22, :2] = 14001, 14002
    arguments = ['--workers', '1', '--json', str(tmp_path / 'report.json')]
    for name, labels in (('prediction', prediction), ('truth', truth)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / 'a.png'), labels)
        arguments += ['--predictions' if name == 'prediction' else '--truth', str(tmp_path / name)]
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 1
    error = capsys.readouterr().err
    assert f'{tmp_path / "truth"} has truck as crowd alone' in error
    assert '1 predictions are false and none can be true' in error
    cv2.imwrite(str(tmp_path / 'prediction' / 'a.png'), prediction // 14000 * 14000
                + (prediction == 13001) * np.uint16(13001))
    main([*arguments, '--labels', 'kitti-step'])
    data = json.loads((tmp_path / 'report.json').read_text())
    assert data['panoptic_quality']['per_class']['truck']['pq'] == pytest.approx(100 * 64 / 68)


def test_crowd_alone_in_the_frames_of_a_data_set_is_said(tmp_path, tiny_onnx, capsys):
    labels = np.zeros((64, 128), np.uint16)
    with closing(Segmenter.open(tiny_onnx)) as segmenter:
        image = single_frame(3, (64, 128))[0]
        found = segmenter(image)
    false = int(found.things.class_id[0])
    labels[-1, -1] = false * 1000
    dataset_trees.cityscapes_tree(tmp_path, [('ulm_000000_000019', image, labels)])
    report = tmp_path / 'report.json'
    main(['--cityscapes', str(tmp_path), '--model', str(tiny_onnx), '--workers', '1', '--json',
          str(report)])
    name = SPACE.names[false]
    assert json.loads(report.read_text())['crowd_alone'][name] > 0
    assert f'the truth has only crowd of {name}' in ' '.join(capsys.readouterr().out.split())


def test_a_model_of_other_classes_is_refused(tmp_path, capsys):
    other = LabelSpace('backwards', 1000, SPACE.categories[::-1])
    metadata = ModelMetadata('tiny', (64, 128), 4, other, {}, {}).to_properties()
    path = tiny_model.build(tmp_path / 'other.onnx', metadata=metadata)
    with pytest.raises(SystemExit):
        main(['--streets', '1', '--model', str(path)])
    assert "knows label space 'backwards': expected 'cityscapes'" in capsys.readouterr().err


@pytest.mark.parametrize(('arguments', 'message'), [
    ([], 'give either --streets'),
    (['--streets', '3', '--predictions', 'a', '--truth', 'b'], 'give either --streets'),
    (['--streets', '3', '--cityscapes', 'a'], 'give either --streets'),
    (['--coco', 'a', '--cityscapes', 'a'], 'give either --streets'),
    (['--cityscapes', 'nowhere'], 'nowhere'),
    (['--cityscapes', 'a', '--baseline', 'color'], '--baseline learns the colours of streets'),
    (['--predictions', 'a', '--truth', 'b', '--oracle'], '--oracle needs a ground truth alone'),
    (['--streets', '1', '--oracle', '--baseline', 'color'], '--oracle needs a ground truth alone'),
    (['--cityscapes', 'a', '--clip', '3'], '--clip renders drives'),
    (['--streets', '1', '--clip', '3'], 'clips have 3 frames: expected at least 4'),
    (['--streets', '1', '--clip', '5', '--workers', '2'], '--workers has no effect on clips'),
    (['--streets', '1', '--clip', '5', '--oracle'], '--clip renders drives'),
    (['--streets', '1', '--video'], 'a video for a model: give --kitti-step DIR, without'),
    (['--cityscapes', 'a', '--video'], '--video follows the frames of a video'),
    (['--kitti-step', 'a', '--video', '--oracle'], '--video follows the frames of a video'),
    (['--kitti-step', 'a', '--video', '--workers', '2'], '--workers has no effect on clips'),
    (['--streets', '1', '--split', 'val'], '--split is a part of a data set'),
    (['--streets', '1', '--labels', 'coco'], '--labels is the label space of label images'),
    (['--cityscapes', 'a', '--size', '96x192'], '--size renders frames'),
    (['--predictions', 'a', '--truth', 'b', '--seed', '0'], '--seed renders frames'),
    (['--streets', '1', '--oracle', '--flip'], '--flip is of a model'),
    (['--streets', '1', '--oracle', '--method', 'cpu'], '--method is of a model'),
    (['--streets', '1', '--baseline', 'color', '--scales', 'b.onnx'], '--scales is of a model'),
    (['--predictions', 'a', '--truth', 'b', '--model', 'streets'], '--model is of a model'),
    (['--streets', '1', '--flip', '--model', 'a.plan'], 'expected a model file that ends in .onn'),
    (['--predictions', 'a'], '--predictions and --truth go together'),
    (['--streets', '0'], "'0': expected a whole number from 1"),
    (['--streets', '1', '--size', '512'], "'512': expected HEIGHTxWIDTH"),
    (['--predictions', 'nowhere', '--truth', 'nowhere'], 'no PNG file under nowhere'),
    (['--streets', '1', '--model', 'nowhere.onnx'], 'nowhere.onnx'),
    (['--streets', '1', '--model', 'nowhere'], 'models/nowhere.onnx'),
])
def test_wrong_arguments_end_with_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code in (1, 2)
    error = capsys.readouterr().err
    assert message in error
    assert 'Traceback' not in error


def test_a_wrong_label_image_is_named_by_its_position(folders, capsys):
    cv2.imwrite(str(folders / 'prediction' / '2.png'), np.full((96, 160), 40123, np.uint16))
    with pytest.raises(SystemExit):
        main(['--predictions', str(folders / 'prediction'), '--truth', str(folders / 'truth'),
              '--workers', '1'])
    error = capsys.readouterr().err
    assert 'image pair 2: prediction has the label 40123' in error
    assert '(2.png)' in error
