"""A data set of videos on the command line, and classes that the truth has as crowd alone."""

import json
import subprocess
import sys
from contextlib import closing

import cv2
import dataset_trees
import numpy as np
import pytest

from panoptic_ros import LabelSpace, Segmenter
from panoptic_ros.cli.evaluate import main
from panoptic_ros.datasets import KittiStep
from panoptic_ros.evaluation import VideoPanopticQuality
from panoptic_ros.evaluation.held_out import single_frame
from panoptic_ros.streets import Drive
from panoptic_ros.tracking import Tracker

SPACE = LabelSpace.load('cityscapes')


def kitti_step(folder, numbers):
    """Write frames of a drive as KITTI-STEP, of given numbers at 10 Hz, and open it."""
    drive, frames = Drive(1_000_003, (96, 192)), []
    for number in numbers:
        image, labels = drive.image_and_labels(number / 10)
        frames.append((f'0002/{number:06d}', image, labels))
    return KittiStep(dataset_trees.kitti_step_tree(folder, frames))


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_video_without_four_frames_that_follow_each_other_is_refused(tiny_onnx, tmp_path,
                                                                       capsys):
    dataset = kitti_step(tmp_path, (0, 1, 2, 4, 5))
    with pytest.raises(SystemExit):
        main(['--kitti-step', str(dataset.root), '--video', '--model', str(tiny_onnx)])
    assert 'at most 3 of them follow each other; expected 4' in capsys.readouterr().err


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
    assert 'no thing of the truth' not in capsys.readouterr().out
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
    printed = ' '.join(capsys.readouterr().out.split())
    assert 'no thing of the truth has the number' in printed
    name = SPACE.names[false]
    assert json.loads(report.read_text())['crowd_alone'][name] > 0
    assert f'the truth has only crowd of {name}' in printed
