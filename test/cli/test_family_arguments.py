"""Options of families on the command lines that run or write a model."""

import json
import re

import cv2
import numpy as np
import other_family
import pytest
import tiny_model

from panoptic_ros import LabelSpace, Segmenter, families
from panoptic_ros.cli import evaluate, export, segment
from panoptic_ros.families import deeplab
from panoptic_ros.families.options import describe
from panoptic_ros.pipelines import opening

COMMANDS = {'segment': segment, 'evaluate': evaluate, 'export': export}
WITH_TORCH = ['segment', 'evaluate', pytest.param('export', marks=pytest.mark.torch)]
WORDS = {'segment': ['picture.png', '-o', 'out'], 'evaluate': ['--streets', '1'],
         'export': ['checkpoint.pt', '-o', 'model.onnx']}


def spaceless(text):
    return re.sub(r'\s+', '', text)


@pytest.mark.parametrize('command', COMMANDS)
def test_every_option_of_every_family_is_an_argument_with_its_help(command, capsys, monkeypatch,
                                                                   tmp_path):
    other_family.add(tmp_path, monkeypatch)
    with pytest.raises(SystemExit):
        COMMANDS[command].main(['--help'])
    shown = spaceless(capsys.readouterr().out)
    for name in families.names():
        for option in describe(families.find(name)):
            assert spaceless(
                f'--{name}.{option.name.replace("_", "-")} {"N" if option.kind is int else "X"} '
                f'{option.help[0].lower()}{option.help[1:].removesuffix(".")} ({option.least} to '
                f'{option.most}, published: {option.default})') in shown


@pytest.mark.parametrize('command', WITH_TORCH)
@pytest.mark.parametrize(('words', 'reason'), [
    (['--deeplab.nms-kernel', '4'], 'nms_kernel is 4: expected an odd number'),
    (['--deeplab.top-k', '0'], 'top_k is 0: expected 1 to 1000'),
    (['--deeplab.top-k', '2.5'], 'deeplab.top-k: invalid int value'),
    (['--deeplab.center-threshold', 'nan'], 'center_threshold is nan: expected a finite number')])
def test_a_value_out_of_range_ends_with_one_line(command, words, reason, capsys, tmp_path,
                                                 monkeypatch):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite('picture.png', tiny_model.scene())
    with pytest.raises(SystemExit) as end:
        COMMANDS[command].main([*WORDS[command], *words])
    assert end.value.code not in (0, None)
    error = f'{capsys.readouterr().err}{end.value.code}'
    assert f'{command}: ' in error
    assert reason in error


def write_checkpoint(path):
    from tiny_training import TINY

    from panoptic_ros.network.checkpoint import Checkpoint
    from panoptic_ros.network.families.deeplab.model import PanopticDeepLab
    space = LabelSpace.load('cityscapes')
    Checkpoint(TINY, space, PanopticDeepLab(TINY, len(space)).state_dict(), {}, {}).save(path)


@pytest.mark.parametrize('command', WITH_TORCH)
def test_an_option_of_another_family_is_refused_with_the_reason(command, capsys, tmp_path,
                                                                monkeypatch, tiny_onnx):
    other_family.add(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    cv2.imwrite('picture.png', tiny_model.scene())
    model = ['--model', str(tiny_onnx), '--device', 'cpu']
    if command == 'export':     # a checkpoint tells the family
        write_checkpoint(tmp_path / 'checkpoint.pt')
        model = []
    with pytest.raises(SystemExit) as end:
        COMMANDS[command].main([*WORDS[command], *model, '--other.most', '3'])
    error = f'{capsys.readouterr().err}{end.value.code}'
    assert (f'{command}: --other.most is an option of the family other, and the model is of the '
            'family deeplab: leave it out') in error


@pytest.fixture
def picture(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), tiny_model.scene())
    return tmp_path / 'a.png'


def labels_of(picture, tiny_onnx, *words):
    out = picture.parent / 'out'
    segment.main([str(picture), '-o', str(out), '--model', str(tiny_onnx), '--device', 'cpu',
                  '--overwrite', *words])
    return cv2.imread(str(out / 'a_panoptic.png'), cv2.IMREAD_UNCHANGED)


def test_pictures_are_labelled_with_the_options(picture, tiny_onnx):
    segmenter = Segmenter.open(tiny_onnx, 'cpu')
    own = segmenter(tiny_model.scene()).labels
    segmenter.options = deeplab.Options(top_k=1, stuff_area=tiny_model.STUFF_AREA)
    one = segmenter(tiny_model.scene()).labels
    assert not np.array_equal(own, one)
    np.testing.assert_array_equal(labels_of(picture, tiny_onnx), own)
    np.testing.assert_array_equal(labels_of(picture, tiny_onnx, '--deeplab.top-k', '1'), one)
    np.testing.assert_array_equal(labels_of(picture, tiny_onnx, '--deeplab.top-k', '-1'), own)


def test_what_is_left_to_the_model_may_be_of_any_family(picture, tiny_onnx, tmp_path,
                                                        monkeypatch):
    other_family.add(tmp_path, monkeypatch)
    own = Segmenter.open(tiny_onnx, 'cpu')(tiny_model.scene()).labels
    np.testing.assert_array_equal(labels_of(picture, tiny_onnx, '--other.most', '-1'), own)


@pytest.mark.slow
@pytest.mark.parametrize('words', [['--flip', '--workers', '1'],
                                   ['--device', 'cpu', '--workers', '2']])
def test_models_are_evaluated_with_the_options(words, tiny_onnx, tmp_path):
    found = []
    for more in (['--workers', '1'],
                 ['--deeplab.stuff-area', '1000000', '--deeplab.center-threshold', '0.99']):
        evaluate.main(['--streets', '2', '--size', '96x192', '--model', str(tiny_onnx), *words,
                       *more, '--json', str(tmp_path / 'report.json')])
        found.append(json.loads((tmp_path / 'report.json').read_text())['mean_iou']['mean'])
    assert found[0] > 0
    assert found[1] == 0


def test_a_bag_of_other_options_is_not_gone_on_from(tmp_path, tiny_onnx):
    pytest.importorskip('rosbags')
    from drive_bag import write

    from panoptic_ros.bags.labelling import StoppedError, label_bag
    from panoptic_ros.bags.reader import Bag, BagError
    segmenter = Segmenter.open(tiny_onnx, 'cpu')
    with Bag(write(tmp_path / 'drive')) as source:
        with pytest.raises(StoppedError):
            label_bag(segmenter, source, tmp_path / 'out', proceed=lambda: False)
        segmenter.options = deeplab.Options(top_k=1)
        with pytest.raises(BagError, match=r'of another labelling \(options differs\)'):
            label_bag(segmenter, source, tmp_path / 'out')


def test_where_a_model_runs_is_said_beside_the_results(picture, tiny_onnx, monkeypatch, capsys):
    monkeypatch.setattr(opening, 'why_not_gpu', lambda index: f'there is no GPU {index}')
    segment.main([str(picture), '-o', str(picture.parent / 'out'), '--model', str(tiny_onnx),
                  '--gpu', '3'])
    printed = capsys.readouterr()
    assert printed.err == (f'segment: {tiny_onnx.name} runs on the CPU, not on a GPU: there is no '
                           'GPU 3\n')
    assert '1 frames' in printed.out


@pytest.mark.parametrize('command', ['segment', 'evaluate'])
def test_a_gpu_that_is_not_there_is_named_in_one_line(command, picture, tiny_onnx, monkeypatch,
                                                      capsys):
    from panoptic_ros.device import Device, DeviceError

    def fail(index):
        raise DeviceError(f'no GPU {index}')

    monkeypatch.setattr(Device, 'open', fail)
    monkeypatch.chdir(picture.parent)
    words = {'segment': [str(picture), '-o', 'out'], 'evaluate': ['--streets', '1']}[command]
    with pytest.raises(SystemExit) as end:
        COMMANDS[command].main([*words, '--model', str(tiny_onnx), '--device', 'gpu', '--gpu',
                                '5'])
    assert f'{command}: no GPU 5' in f'{capsys.readouterr().err}{end.value.code}'
