import argparse
import json

import cv2
import dataset_trees
import numpy as np
import pytest
import tiny_model

from panoptic_ros.benchmarks import robustness
from panoptic_ros.cli.benchmark import main
from panoptic_ros.segmenter import Segmenter


def run(*arguments):
    parser = argparse.ArgumentParser()
    robustness.add_arguments(parser)
    return robustness.run(parser.parse_args(['--device', 'cpu', *map(str, arguments)]))


@pytest.fixture(scope='module')
def scenes(tiny_onnx, tmp_path_factory):
    """Two scenes that the tiny network understands, and what it makes of them as their truth."""
    folder = tmp_path_factory.mktemp('scenes')
    segmenter = Segmenter.open(tiny_onnx, 'cpu')
    for part in ('images', 'truth'):
        (folder / part).mkdir()
    for index, size in enumerate(((64, 128), (128, 256))):
        image = tiny_model.scene(size)
        cv2.imwrite(str(folder / f'images/{index}.png'), image)
        cv2.imwrite(str(folder / f'truth/{index}.png'), segmenter(image).labels)
    return '--images', folder / 'images', '--truth', folder / 'truth', '--labels', 'cityscapes'


def test_models_are_measured_side_by_side_on_the_same_images(tiny_onnx, scenes, tmp_path, capsys):
    other = tiny_model.build(tmp_path / 'other.onnx', (32, 64))
    report = run('--model', tiny_onnx, other, *scenes)
    first, second = (model['conditions'] for model in report['models'])
    assert report['frames'] == 2
    assert set(first) == {'clean', *robustness.CORRUPTIONS}
    assert first['clean']['pq'] == first['clean']['miou'] == 100
    assert second['clean']['pq'] < 100
    assert first['clean']['changed'] is None
    assert first['gray']['pixel_accuracy'] < 60     # a network that only sees colours
    assert first['gray']['changed'] > 40
    assert first['gray']['taken']['road']['name'] != 'road'
    assert json.loads(json.dumps(report)) == report
    alone = run('--model', other, *scenes, '--conditions', 'gray', 'noise')
    assert alone['models'][0]['conditions'] == {
        name: second[name] for name in ('clean', 'noise', 'gray')}
    said = ' '.join(capsys.readouterr().out.split())
    assert '1: ' in said
    assert 'other (tiny, 32x64)' in said
    assert f'{first["gray"]["changed"]:.1f}' in said


def test_data_sets_of_the_benchmarks_are_read(tiny_onnx, tmp_path):
    folder = dataset_trees.tree('kitti-step', tmp_path / 'kitti')
    report = run('--model', tiny_onnx, '--kitti-step', folder, '--frames', 2, '--conditions',
                 'jpeg 20')
    assert report['source'] == 'KITTI-STEP val: 3 images, of which 2'
    assert list(report['models'][0]['conditions']) == ['clean', 'jpeg 20']


@pytest.mark.slow
def test_streets_are_seen_by_other_cameras_as_well(tiny_onnx, tmp_path):
    file = tmp_path / 'report.json'
    main(['robustness', '--json', str(file), '--model', str(tiny_onnx), '--frames', '2', '--size',
          '64x128', '--device', 'cpu', '--conditions', 'aspect 3.3:1', 'zoomed in', 'dark'])
    conditions = json.loads(file.read_text())['models'][0]['conditions']
    assert list(conditions) == ['clean', 'dark', 'zoomed in', 'aspect 3.3:1']
    assert conditions['zoomed in']['changed'] is None
    assert conditions['dark']['changed'] > 0
    assert np.isfinite(conditions['aspect 3.3:1']['miou'])


@pytest.mark.parametrize(('arguments', 'said'), [
    (('--kitti-step', 'a', '--coco', 'b'), '--coco and --kitti-step: expected one set of frames'),
    (('--kitti-step', 'a', '--size', '64x128'), '--size is of streets: leave it out'),
    (('--split', 'val'), '--split is of a data set: leave it out'),
    (('--truth', 'a'), '--images, --truth and --labels go together'),
    (('--conditions', 'rain'), "condition 'rain': expected some of low contrast"),
    (('--frames', 1, '--model', 'nowhere'), r'nowhere\.onnx')])
def test_what_cannot_be_measured_is_said_before_it_begins(arguments, said):
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        run(*arguments)


def test_another_camera_cannot_take_the_pictures_of_a_data_set(scenes):
    with pytest.raises(ValueError, match=r'zoomed in.* another camera, which only streets'):
        run(*scenes, '--conditions', 'zoomed in')
