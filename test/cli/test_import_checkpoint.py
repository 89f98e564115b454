import json
import os
import pickle

import pytest

torch = pytest.importorskip('torch')

import foreign_checkpoints as foreign  # noqa: E402

from panoptic_ros.cli.import_checkpoint import main  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402
from panoptic_ros.network.families.deeplab.config import NetworkConfig  # noqa: E402
from panoptic_ros.network.families.deeplab.variants import PRESETS  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture
def entries(monkeypatch):
    config = foreign.tiny('detectron2')
    monkeypatch.setitem(PRESETS, config.name, config)
    return foreign.weights('detectron2', foreign.network(config))


@pytest.fixture
def run(tmp_path, capsys):
    """Import a file's content; returns the exit status, what was printed, and the report."""
    def import_(content, *arguments):
        path, report = tmp_path / 'theirs.pkl', tmp_path / 'report.json'
        path.write_bytes(content)
        status = 0
        try:
            main([str(path), '-o', str(tmp_path / 'ours.pt'), '--json', str(report), *arguments])
        except SystemExit as end:
            status = end.code
        captured = capsys.readouterr()
        return (status, captured.out + captured.err,
                json.loads(report.read_text()) if report.exists() else None)
    return import_


def test_a_public_checkpoint_becomes_one_of_this_package(entries, run, tmp_path):
    status, printed, report = run(foreign.pkl(entries))
    assert status == 0
    for line in ("network 'tiny-detectron2', written by detectron2: "
                 f'{len(entries)} of its {len(entries)} entries',
                 '19 classes', 'crops of 64x128', "label space 'cityscapes'"):
        assert line in printed
    assert report['complete']
    assert report['entries']['used'] == list(entries)
    checkpoint = Checkpoint.load(tmp_path / 'ours.pt')
    assert checkpoint.training['sha256'] == report['sha256']
    assert checkpoint.config.to_dict() == NetworkConfig.from_dict(report['network']).to_dict()


def test_a_left_over_entry_ends_with_status_1_and_no_file(entries, run, tmp_path):
    content = foreign.pkl(entries | {'extra.weight': torch.ones(2)})
    status, printed, report = run(content)
    assert status == 1
    assert '1 entry is left over (extra.weight)' in printed
    assert 'not written' in printed
    assert report['entries']['left_over'] == ['extra.weight']
    assert not (tmp_path / 'ours.pt').exists()
    status, _, report = run(content, '--allow-left-over', 'extra.*')
    assert status == 0
    assert report['entries']['allowed'] == ['extra.weight']
    assert (tmp_path / 'ours.pt').exists()


def test_missing_and_other_shapes_are_counted_and_named(entries, run):
    names = list(entries)
    changed = dict(entries) | {names[0]: torch.zeros(7)}
    for name in names[5:10]:
        del changed[name]
    status, printed, _ = run(foreign.pkl(changed), '--keys')
    assert status == 1
    missing = [name for name in names[5:10] if not name.endswith('num_batches_tracked')]
    assert f'{len(missing)} entries are missing ({", ".join(missing[:3])}, ...)' in printed
    assert f'{names[0]} (7,), expected' in printed
    assert names[40] in printed


def test_an_unknown_number_of_classes_needs_a_label_space(run, monkeypatch, tmp_path):
    config = foreign.tiny('detectron2')
    monkeypatch.setitem(PRESETS, config.name, config)
    content = foreign.pkl(foreign.weights('detectron2', foreign.network(config, classes=2)))
    status, printed, _ = run(content)
    assert status == 1
    assert 'name its label space with --labels' in printed
    labels = tmp_path / 'two.yaml'
    labels.write_text('name: two\nlabel_divisor: 1000\ncategories:\n'
                      '  - {name: road, dataset_id: 0, thing: false, color: [0, 0, 0]}\n'
                      '  - {name: car, dataset_id: 1, thing: true, color: [9, 9, 9]}\n')
    status, printed, _ = run(content, '--labels', str(labels))
    assert status == 0
    assert "label space 'two'" in printed


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f'touch {self.path}',)


@pytest.mark.parametrize('write', [pickle.dumps, foreign.pth], ids=['pkl', 'pth'])
def test_a_malicious_file_ends_with_one_line(write, run, tmp_path):
    trace = tmp_path / 'executed'
    status, printed, _ = run(write({'model': {'w': Attack(trace)}}))
    assert status == 1
    assert 'names posix.system: refused' in printed
    assert len(printed.splitlines()) == 1
    assert not trace.exists()


def test_averaged_weights_are_taken_when_they_are_asked_for(entries, run, tmp_path):
    name = next(iter(entries))
    averaged = entries | {name: entries[name] + 1}
    content = foreign.pth({'model': entries, 'ema_state': averaged})
    for arguments, expected, said in (((), entries, "'ema_state': --ema takes them"),
                                      (('--ema',), averaged, "its part 'ema_state'")):
        status, printed, report = run(content, *arguments)
        assert status == 0
        assert said in printed
        assert said in report['format']
        weights = Checkpoint.load(tmp_path / 'ours.pt').weights
        assert any(value.shape == expected[name].shape and torch.equal(value, expected[name])
                   for value in weights.values())
    status, printed, _ = run(foreign.pth({'model': entries}), '--ema')
    assert status == 1
    assert 'it has no averaged weights' in printed


def test_weights_that_no_network_has_are_refused_by_name(entries, run, tmp_path):
    weight = next(name for name in entries if name.endswith('.weight'))
    variance = next(name for name in entries if name.endswith('running_var'))
    damaged = dict(entries)
    damaged[weight] = torch.full_like(entries[weight], float('nan'))
    damaged[variance] = -entries[variance]
    status, printed, _ = run(foreign.pkl(damaged))
    assert status == 1
    count = entries[weight].numel()
    assert f'{weight}: {count} of {count} values are NaN or infinite' in printed
    assert f'{variance}: ' in printed
    assert 'variances are negative' in printed
    assert not (tmp_path / 'ours.pt').exists()
