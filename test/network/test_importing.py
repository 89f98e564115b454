"""Foreign checkpoints become ours: recognised, every entry accounted for, every weight there."""

import pytest

torch = pytest.importorskip('torch')

import foreign_checkpoints as foreign  # noqa: E402

from panoptic_ros.labels import LabelSpace  # noqa: E402
from panoptic_ros.network.checkpoint import CheckpointError  # noqa: E402
from panoptic_ros.network.families.deeplab.importing.conversion import Conversion  # noqa: E402
from panoptic_ros.network.families.deeplab.importing.recognition import (  # noqa: E402
    SOURCES,
    Layout,
    presets,
    recognise,
)
from panoptic_ros.network.families.deeplab.variants import PRESETS  # noqa: E402
from panoptic_ros.network.family import ImportOptions  # noqa: E402
from panoptic_ros.network.importing.reading import SourceFile, read_source  # noqa: E402
from panoptic_ros.network.importing.recognition import recognise as recognise_any  # noqa: E402

pytestmark = pytest.mark.torch

NETWORKS = [(source, config) for source in SOURCES for config in presets(source)]


@pytest.fixture(autouse=True, scope='module')
def _tiny_networks():
    added = {f'tiny-{source}': foreign.tiny(source) for source in SOURCES}
    PRESETS.update(added)
    yield
    for name in added:
        del PRESETS[name]


@pytest.fixture(scope='module', params=list(SOURCES))
def source(request):
    return request.param


@pytest.fixture(scope='module')
def network(source):
    return foreign.network(foreign.tiny(source))


@pytest.fixture(scope='module')
def entries(source, network):
    return foreign.weights(source, network)


def converted(entries, **options):
    return Conversion.of(SourceFile('weights.pth', '0' * 64, 'PyTorch file', entries),
                         ImportOptions(**options))


@pytest.mark.parametrize(('source', 'config'), NETWORKS, ids=[c.name for _, c in NETWORKS])
def test_every_published_network_is_recognised(source, config):
    for classes in (19, 133):
        layout = recognise(foreign.weightless(source, config, classes))
        assert (layout.source, layout.config, layout.classes) == (source, config, classes)


@pytest.mark.parametrize(('name', 'count'), [
    ('r52-detectron2', 508), ('r52-dsconv-detectron2', 544), ('r50-bowenc', 530),
    ('mobilenet_v2-bowenc', 518)])
def test_the_sources_have_so_many_entries(name, count):
    layout = Layout.of(name.rpartition('-')[2], PRESETS[name], 19)
    assert len(layout.names) == len(set(layout.names.values())) == count


@pytest.mark.parametrize('write', [
    foreign.pkl,
    lambda entries: foreign.pth({'model': entries, 'iteration': 5}),
    lambda entries: foreign.pth({'state_dict': entries}, legacy=True),
    lambda entries: foreign.pth({f'module.{k}': v for k, v in entries.items()}),
], ids=['pkl', 'zip', 'legacy', 'DataParallel'])
def test_every_weight_arrives(write, network, entries, tmp_path):
    path = tmp_path / 'weights'
    path.write_bytes(write(entries))
    conversion = Conversion.of(read_source(path))
    assert conversion.comparison.used == tuple(entries)
    checkpoint = conversion.checkpoint(conversion.label_space())
    assert checkpoint.config == network.config
    assert checkpoint.label_space.name == 'cityscapes'
    assert checkpoint.training['imported_from'] == 'weights'
    arrived = checkpoint.network().state_dict()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(arrived[name], value, rtol=0, atol=0)


def test_the_network_computes_the_same(network, entries):
    checkpoint = converted(entries).checkpoint(LabelSpace.load('cityscapes'))
    image = torch.randint(0, 256, (1, *network.config.window, 3), dtype=torch.uint8)
    with torch.no_grad():
        for one, other in zip(network(image), checkpoint.network()(image), strict=True):
            assert one.std() > 0
            torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_half_precision_and_files_without_counters_are_taken(entries):
    thinner = {name: value.half() for name, value in entries.items()
               if not name.endswith('num_batches_tracked')}
    conversion = converted(thinner)
    assert conversion.comparison.complete
    assert len(conversion.comparison.counters) == len(entries) - len(thinner)
    for value in conversion.checkpoint(conversion.label_space()).weights.values():
        assert value.dtype in (torch.float32, torch.int64)


def test_what_is_left_over_is_an_error_unless_allowed_by_name(entries):
    more = entries | {'loss.weight': torch.ones(19), 'teacher.a': torch.ones(1),
                      'teacher.b': torch.ones(1)}
    conversion = converted(more)
    assert conversion.comparison.left_over == ('loss.weight', 'teacher.a', 'teacher.b')
    with pytest.raises(CheckpointError, match='not complete'):
        conversion.checkpoint(conversion.label_space())
    partly = converted(more, allowed=('teacher.*',)).comparison
    assert (partly.left_over, partly.allowed) == (('loss.weight',), ('teacher.a', 'teacher.b'))
    assert not partly.complete
    wholly = converted(more, allowed=('teacher.*', 'loss.weight'))
    assert wholly.checkpoint(wholly.label_space()).network()


def test_a_missing_entry_is_an_error(entries):
    name = list(entries)[3]
    fewer = {key: value for key, value in entries.items() if key != name}
    comparison = converted(fewer, allowed=('*',)).comparison
    assert comparison.missing == (name,)
    assert not comparison.complete


def test_an_entry_of_another_shape_is_an_error(entries):
    name = next(iter(entries))
    comparison = converted(entries | {name: torch.zeros(3, 4)}, allowed=('*',)).comparison
    assert comparison.mismatched == {name: ((3, 4), tuple(entries[name].shape))}
    assert not comparison.complete


def test_what_is_not_recognised_says_what_was_looked_for_and_found(tmp_path):
    path = tmp_path / 'other.pkl'
    path.write_bytes(foreign.pkl(dict.fromkeys('abcde', torch.zeros(1))))
    with pytest.raises(CheckpointError, match=r"looked for 'sem_seg_head\.predictor\.weight' "
                       r"\(detectron2\) and 'decoder\.semantic_head\.classifier\.semantic\."
                       r"1\.weight' \(bowenc\).*; it has 'a', 'b', 'c' and 2 more"):
        recognise_any(path, averaged=False, options=ImportOptions())


def test_known_heads_on_an_unknown_backbone_are_refused(source, entries):
    heads = {name: value for name, value in entries.items() if not name.startswith('backbone')}
    unknown = {f'backbone.{i}': torch.zeros(1) for i in range(300)}
    with pytest.raises(CheckpointError, match=f'the heads are those of {source}, but no network'):
        recognise(heads | unknown)


@pytest.mark.parametrize('name', ['r52-detectron2', 'r50-bowenc', 'mobilenet_v2-bowenc'])
def test_a_backbone_alone_is_called_one(name):
    everything = foreign.weightless(name.rpartition('-')[2], PRESETS[name], 19)
    backbone = {key.removeprefix('backbone.'): value for key, value in everything.items()
                if key.startswith('backbone.')} | {'fc.weight': torch.zeros(1000)}
    with pytest.raises(CheckpointError, match=f"only the backbone of '{name}'"):
        recognise(backbone)


def test_the_normalisation_of_the_file_counts(entries, network):
    mean, deviation = network.config.mean, network.config.deviation
    same = converted(entries | {'pixel_mean': torch.tensor(mean).view(3, 1, 1),
                                'pixel_std': torch.tensor(deviation).view(3, 1, 1)})
    assert same.config == network.config
    assert same.comparison.complete
    other = converted(entries | {'pixel_std': torch.tensor([57.0, 58.0, 59.0])}).config
    assert (other.mean, other.deviation, other.rgb) == (mean, (57, 58, 59), True)
    reversed_ = converted(entries | {'pixel_mean': torch.tensor(mean[::-1])}).config
    assert (reversed_.mean, reversed_.rgb) == (mean[::-1], False)
    with pytest.raises(CheckpointError, match='4 and 3 values: expected 3'):
        converted(entries | {'pixel_mean': torch.zeros(4)})
    for name, value in (('pixel_mean', float('nan')), ('pixel_std', 0.0), ('pixel_std', -1.0)):
        with pytest.raises(CheckpointError, match='expected numbers, and deviations over 0'):
            converted(entries | {name: torch.full((3,), value)})


def test_what_weights_do_not_show_is_as_published_or_as_given():
    def of(name, classes, **options):
        source = name.rpartition('-')[2]
        return converted(foreign.weightless(source, PRESETS[name], classes), **options).config
    assert of('r52-detectron2', 19) == PRESETS['r52-detectron2']
    assert of('r52-dsconv-detectron2', 133).window == (640, 640)
    assert of('r52-dsconv-detectron2', 133, crop=(512, 512)).window == (512, 512)
    assert of('r50-bowenc', 133).window == (1025, 2049)
    assert of('r52-detectron2', 19, output_stride=32).output_stride == 32
    with pytest.raises(ValueError, match='stride 16'):
        of('r50-bowenc', 19, output_stride=16)
    with pytest.raises(ValueError, match='window is 500x500'):
        of('r52-detectron2', 19, crop=(500, 500))


def test_the_label_space_is_told_by_the_number_of_classes(source):
    def of(classes):
        return converted(foreign.weightless(source, foreign.tiny(source), classes))
    coco = LabelSpace.load('coco')
    assert of(133).label_space().name == coco.name == 'coco'
    with pytest.raises(ValueError, match='7 classes, which no known data set has'):
        of(7).label_space()
    with pytest.raises(ValueError, match=r"'coco' has 133 classes: weights\.pth has 19"):
        of(19).label_space(coco)
