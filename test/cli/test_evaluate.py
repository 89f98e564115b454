import json
import subprocess
import sys
from contextlib import closing

import cv2
import dataset_trees
import engines
import numpy as np
import pytest
import tiny_model
import tiny_queries
from label_scenes import scene_pair

from panoptic_ros import LabelSpace, Segmenter
from panoptic_ros.cli.evaluate import main
from panoptic_ros.datasets import open_dataset
from panoptic_ros.engine import ModelMetadata
from panoptic_ros.evaluation import Evaluation
from panoptic_ros.evaluation.deeplab.averaged_engine import AveragedEngine
from panoptic_ros.evaluation.held_out import single_frame
from panoptic_ros.pipelines.cpu import CpuPipeline

SPACE = LabelSpace.load('cityscapes')


@pytest.fixture
def folders(tmp_path):
    for name in ('prediction', 'truth'):
        (tmp_path / name).mkdir()
    for seed in range(4):
        for name, labels in zip(('prediction', 'truth'), scene_pair(seed, SPACE), strict=True):
            cv2.imwrite(str(tmp_path / name / f'{seed}.png'), labels)
    return tmp_path


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize('chosen', ['deeplab', 'masks', 'baseline'])
def test_streets(chosen, tiny_onnx, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('panoptic_ros.cli.evaluate.BASELINE_FRAMES', 3)
    report = tmp_path / 'report.json'
    model = tiny_queries.build(tmp_path / 'q.onnx') if chosen == 'masks' else tiny_onnx
    main(['--streets', '3', '--size', '96x192', '--seed', '1000100', '--workers', '1', '--json',
          str(report), *(['--baseline', 'color'] if chosen == 'baseline' else
                         ['--model', str(model)])])
    data = json.loads(report.read_text())
    assert data['frames'] == 3
    assert data['source'] == {'streets': [96, 192], 'first_seed': 1000100, 'variety': 'plain'}
    assert (data['predictor']['baseline'] == 'color' if chosen == 'baseline' else
            data['predictor']['model'] == model.name)
    assert data['prediction']['p50_ms'] * data['prediction']['frames_per_second'] == pytest.approx(
        1000)
    assert 0 <= data['panoptic_quality']['all']['pq'] < 25      # colour alone is no solution
    assert 0 < data['mean_iou']['mean'] < 60
    out = capsys.readouterr().out
    assert f'{data["panoptic_quality"]["all"]["pq"]:.2f}' in out
    assert f'{data["prediction"]["frames_per_second"]:.1f} frames/s' in out


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(('kind', 'name'), [
    ('cityscapes', 'ulm_{:06d}_000019'), ('kitti-step', '0002/{:06d}')])
def test_a_data_set_with_mirrors_and_scales(kind, name, tiny_onnx, tmp_path, capsys):
    frames = [(name.format(index), *single_frame(index, (96, 192))) for index in range(2)]
    make = getattr(dataset_trees, f'{kind.replace("-", "_")}_tree')
    make(tmp_path / 'tree', [(key, image, truth.labels) for key, image, truth in frames])
    metadata = ModelMetadata('tiny', (96, 192), SPACE, options={'stuff_area': 50},
                             layout={'stride': 4})
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
    averaged = AveragedEngine([engines.load(tiny_onnx), engines.load(larger)], flip=True)
    with closing(Segmenter(CpuPipeline(averaged))) as segmenter:
        for image, truth in dataset:
            expected.update(segmenter(image), truth)
    for key, value in expected.to_dict().items():
        assert data[key] == value
    printed = capsys.readouterr().out
    assert f'AP {expected.average_precision.compute().mean.ap:.2f}' in printed
    assert ("measured in 'kitti-step': rider, truck, bus" in printed) == (kind == 'kitti-step')


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


def test_a_model_of_other_classes_is_refused(tmp_path, capsys):
    other = LabelSpace('backwards', 1000, SPACE.categories[::-1])
    metadata = ModelMetadata('tiny', (64, 128), other, layout={'stride': 4}).to_properties()
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
    (['--streets', '1', '--oracle', '--device', 'cpu'], '--device is of a model'),
    (['--streets', '1', '--oracle', '--deeplab.top-k', '9'], '--deeplab.top-k is of a model'),
    (['--streets', '1', '--device', 'gpu', '--flip'], 'are of the processor: leave out --device'),
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
