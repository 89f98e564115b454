"""The networks by name are those of the literature."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip('torch', reason='the network needs PyTorch')

from panoptic_ros.cli import networks as command  # noqa: E402
from panoptic_ros.network.families.deeplab.importing import bowenc, detectron2  # noqa: E402
from panoptic_ros.network.families.deeplab.model import PanopticDeepLab  # noqa: E402
from panoptic_ros.network.families.deeplab.variants import PRESETS, PUBLISHED  # noqa: E402
from panoptic_ros.network.size import measure, multiply_adds  # noqa: E402

pytestmark = pytest.mark.torch

COUNTED = {
    'r52-detectron2': (detectron2, 59_770_166, 508),
    'r52-dsconv-detectron2': (detectron2, 30_271_350, 544),
    'xception65-dsconv-detectron2': (detectron2, 44_534_502, 1006),
    'hrnet48-dsconv-detectron2': (detectron2, 67_727_222, 2080),
    'r50-bowenc': (bowenc, 55_308_870, 530),
    'r101-bowenc': (bowenc, 74_300_998, 836),
    'mobilenet_v2-bowenc': (bowenc, 7_719_814, 518),
    'xception65-bowenc': (bowenc, 69_632_054, 1004),
    'hrnet48-bowenc': (bowenc, 72_209_222, 2042),
}
"""Parameters and entries of the state, counted in the networks that the sources' code builds."""


@pytest.mark.parametrize('name', COUNTED)
def test_parameters_and_names_are_those_of_the_source(name):
    source, parameters, entries = COUNTED[name]
    with torch.device('meta'):
        network = PanopticDeepLab(PRESETS[name], 19)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    names = source.rename(PRESETS[name])
    assert len(names) == entries
    assert sorted(names.values()) == sorted(network.state_dict())


@pytest.mark.parametrize(('source', 'name', 'theirs', 'ours'), [
    (detectron2, 'r52-detectron2', 'backbone.stem.conv2.norm.running_var',
     'backbone.stem.1.1.running_var'),
    (detectron2, 'r52-detectron2', 'backbone.res5.2.conv3.weight',
     'backbone.stages.3.2.body.2.0.weight'),
    (detectron2, 'r52-detectron2', 'sem_seg_head.decoder.res2.fuse_conv.1.norm.bias',
     'semantic_decoder.fuse.1.1.1.bias'),
    (detectron2, 'r52-dsconv-detectron2', 'ins_embed_head.offset_head.pointwise.weight',
     'offset.0.1.0.weight'),
    (detectron2, 'r52-dsconv-detectron2', 'ins_embed_head.center_head.1.weight',
     'center.0.1.0.weight'),
    (bowenc, 'r50-bowenc', 'backbone.layer1.0.downsample.1.weight',
     'backbone.stages.0.0.shortcut.1.weight'),
    (bowenc, 'r50-bowenc', 'decoder.instance_decoder.aspp.convs.4.aspp_pooling.1.weight',
     'instance_decoder.aspp.pooled.0.weight'),
    (bowenc, 'r50-bowenc', 'decoder.semantic_decoder.fuse.2.0.2.running_mean',
     'semantic_decoder.fuse.2.1.1.running_mean')])
def test_an_entry_has_two_names(source, name, theirs, ours):
    assert source.rename(PRESETS[name])[theirs] == ours


def test_xception_71_is_as_large_as_the_paper_says():
    published = PUBLISHED['xception71']
    size = measure(PRESETS['xception71'], (1025, 2049))
    assert size.parameters / 1e6 == pytest.approx(published.parameters, rel=0.001)
    assert size.multiply_adds / 1e9 == pytest.approx(published.multiply_adds, rel=0.005)


def test_multiply_adds_of_a_convolution_are_counted():
    network = torch.nn.Conv2d(3, 8, 3, padding=1, bias=False)

    class OnImages(torch.nn.Module):
        def forward(self, images):
            return network(images.permute(0, 3, 1, 2).float())

    assert multiply_adds(OnImages(), (16, 32)) == 16 * 32 * 8 * 3 * 9


def test_the_command_compares_and_reports(tmp_path, capsys):
    path = tmp_path / 'networks.json'
    command.main(['mobile', 'masks-mobile', 'mobilenet_v2-bowenc', '--json', str(path)])
    printed = capsys.readouterr().out
    assert '7.72' in printed
    assert '55.10' in printed
    written = json.loads(path.read_text())
    assert written['mobile']['published'] is None
    assert written['masks-mobile']['published'] is None
    assert written['masks-mobile']['parameters'] == 2_601_065
    assert written['mobile']['multiply_adds'] == 16_386_258_944
    assert written['mobilenet_v2-bowenc']['input_size'] == [1025, 2049]
    assert written['mobilenet_v2-bowenc']['published']['pq'] == 55.1


def test_the_command_needs_nothing_that_exporting_needs():
    program = ('import sys\n'
               'sys.modules.update(dict.fromkeys(("onnx", "onnxruntime", "onnxscript")))\n'
               'from panoptic_ros.cli.networks import main\n'
               'main(["mobile"])')
    ran = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, '')
    assert '16.39' in ran.stdout


def test_networks_whose_library_is_missing_are_left_out(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'transformers', None)
    monkeypatch.setattr(command, 'PRESETS', {name: command.PRESETS[name]
                                             for name in ('mobile', 'eomt-s')})
    command.main([])
    printed = capsys.readouterr()
    assert '16.39' in printed.out
    assert 'networks are left out: ' in printed.err
    assert "pip install 'panoptic_ros[masks]'" in printed.err
    with pytest.raises(SystemExit):
        command.main(['eomt-s'])


def test_the_command_knows_its_networks(capsys):
    with pytest.raises(SystemExit):
        command.main(['r51'])
    assert "no network 'r51': expected some of mobile, lite0, r50," in capsys.readouterr().err


def test_the_document_lists_every_network_as_it_is():
    """`make models` writes it, and takes too long for a test."""
    page = (Path(__file__).parents[2] / 'docs' / 'models.md').read_text(encoding='utf-8')
    rows = {cells[0]: cells for line in page.splitlines() if line.startswith('| ')
            and (cells := [cell.strip() for cell in line.strip('|').split('|')])[0] in PRESETS}
    assert list(rows) == list(PRESETS)
    for name, (_, pq, parameters, *_) in rows.items():
        published = PUBLISHED.get(name)
        assert pq == (f'{published.pq} {published.source}' if published else '')
        if name in COUNTED:
            assert float(parameters) == pytest.approx(COUNTED[name][1] / 1e6, abs=0.006)
