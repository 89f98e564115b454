"""Files of detectron2 become Panoptic-FPNs of this package, entry by entry."""

import hashlib
import json

import pytest

torch = pytest.importorskip('torch', reason='networks need PyTorch')

from panoptic_ros.labels import LabelSpace  # noqa: E402
from panoptic_ros.network import families  # noqa: E402
from panoptic_ros.network.checkpoint import CheckpointError  # noqa: E402
from panoptic_ros.network.families.fpn.boxes import cell_anchors  # noqa: E402
from panoptic_ros.network.families.fpn.config import FpnConfig  # noqa: E402
from panoptic_ros.network.families.fpn.importing.keys import blank, rename  # noqa: E402
from panoptic_ros.network.families.fpn.variants import PRESETS  # noqa: E402
from panoptic_ros.network.family import ImportOptions  # noqa: E402
from panoptic_ros.network.importing.comparison import COUNTER  # noqa: E402
from panoptic_ros.network.importing.reading import SourceFile  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]
ANCHORS = 'proposal_generator.anchor_generator.cell_anchors.'


def entries(config=PRESETS['fpn-r50'], classes=133):
    """Entries of the right names and shapes, zeros that take no memory."""
    state = blank(config, classes).state_dict()
    return {theirs: torch.zeros(()).expand(state[ours].shape)
            for theirs, ours in rename(config, classes).items() if not theirs.endswith(COUNTER)}


def conversion(weights, family='fpn', **options):
    return families.find(family).conversion(SourceFile('a.pkl', '', 'pickle', weights),
                                            ImportOptions(**options))


@pytest.mark.parametrize(('name', 'count', 'digest'), [
    ('fpn-r50', 330, '15bd166de1b7305358c0efe233f6b7551deede649593e4e60d44f70e52027e36'),
    ('fpn-r101', 585, 'fb1c6d0979e690a1cbaabc5b336691d924af09198270ed4100c7789e3660435a')],
    ids=PRESETS)
def test_names_and_shapes_are_exactly_the_source_s(name, count, digest):
    """As detectron2's own networks have them."""
    lines = sorted(f'{theirs} {tuple(value.shape)}'
                   for theirs, value in entries(PRESETS[name]).items())
    assert len(lines) == count
    assert hashlib.sha256('\n'.join(lines).encode()).hexdigest() == digest
    found = conversion(entries(PRESETS[name]))
    assert found.config == PRESETS[name]
    assert found.comparison.complete
    assert len(found.comparison.used) == count
    assert found.label_space().name == 'coco'
    assert found.export_arguments(found.label_space()) == '--size 800x1344'


def test_things_and_stuff_tell_the_label_space():
    config = FpnConfig('fpn-r50', PRESETS['fpn-r50'].backbone, things=8)
    found = conversion(entries(config, 19))
    assert found.config == config
    assert found.label_space().name == 'cityscapes'
    with pytest.raises(ValueError, match='80 things and 53 stuff classes: a'):
        found.label_space(LabelSpace.load('coco'))
    other = conversion(entries(config, 20))
    with pytest.raises(ValueError, match='8 things and 12 stuff classes, which no known data set'):
        other.label_space()


def test_missing_and_left_over_entries_are_named():
    weights = entries()
    del weights['roi_heads.mask_head.deconv.bias']
    weights |= {'extra': torch.zeros(1), 'optimizer.x': torch.zeros(1),
                'sem_seg_head.predictor.bias': torch.zeros(3)}
    found = conversion(weights, allowed=('optimizer.*',))
    assert found.comparison.missing == ('roi_heads.mask_head.deconv.bias',)
    assert found.comparison.left_over == ('extra',)
    assert found.comparison.allowed == ('optimizer.x',)
    assert found.comparison.mismatched == {'sem_seg_head.predictor.bias': ((3,), (54,))}
    with pytest.raises(CheckpointError, match='not complete'):
        found.checkpoint(LabelSpace.load('coco'))


@pytest.mark.parametrize('name', ['sem_seg_head.predictor.weight', 'backbone.fpn_lateral2.weight',
                                  'roi_heads.box_predictor.cls_score.weight'])
def test_a_file_without_a_part_that_tells_sizes_is_refused(name):
    weights = entries()
    del weights[name]
    with pytest.raises(CheckpointError, match=f'lacks {name}'):
        conversion(weights)


def test_a_file_that_claims_sizes_that_nothing_has_is_refused():
    weights = entries() | {'roi_heads.box_head.fc1.weight': torch.zeros(()).expand(1 << 50, 1)}
    with pytest.raises(CheckpointError, match=r'a\.pkl: .+ expected 1 to 65536'):
        conversion(weights)


def test_a_file_with_another_backbone_is_refused():
    weights = {name: value for name, value in entries().items() if '.bottom_up.' not in name}
    weights |= {f'backbone.bottom_up.vit.{number}': torch.zeros(1) for number in range(300)}
    with pytest.raises(CheckpointError, match='no network of this package is like the rest'):
        conversion(weights)


def test_older_files_hold_anchors_and_colours():
    weights = entries() | {'pixel_mean': torch.tensor([123.675, 116.28, 103.53]).view(3, 1, 1),
                           'pixel_std': torch.tensor([58.395, 57.12, 57.375])}
    weights |= {f'{ANCHORS}{level}': cell_anchors(32 << level) for level in range(5)}
    found = conversion(weights)
    assert found.comparison.complete
    assert len(found.comparison.normalisation) == 7
    assert found.config.rgb
    assert found.config.deviation == (58.395, 57.12, 57.375)
    assert found.config.padding == (104, 116, 124)
    with pytest.raises(CheckpointError, match=rf'{ANCHORS}1 is \[\[-'):
        conversion(weights | {f'{ANCHORS}1': cell_anchors(65)})
    with pytest.raises(CheckpointError, match='pixel_std has 4 values'):
        conversion(weights | {'pixel_std': torch.zeros(4)})
    with pytest.raises(CheckpointError, match='deviations over 0'):
        conversion(weights | {'pixel_std': torch.zeros(3)})


def test_other_families_leave_it_alone():
    """Their heads of stuff have a name in common."""
    assert conversion(entries(), 'deeplab') is None
    assert conversion({'sem_seg_head.predictor.weight': torch.zeros(19, 8, 1, 1),
                       'ins_embed_head.center_predictor.weight': torch.zeros(1)}) is None


def test_what_concerns_a_deeplab_is_refused():
    with pytest.raises(ValueError, match='leave them out for a Panoptic-FPN'):
        conversion(entries(), crop=(512, 1024))


def test_a_configuration_survives_json():
    for config in PRESETS.values():
        assert FpnConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(('changes', 'message'), [
    ({'semantic': 100}, 'multiple of the 32 groups'), ({'mask_side': 27}, 'an even number'),
    ({'proposals': 0}, 'expected 1 to 65536'), ({'hidden': 1 << 40}, 'expected 1 to 65536'),
    ({'deviation': (1.0, 0.0, 1.0)}, 'above 0')])
def test_a_network_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        FpnConfig(**{**vars(PRESETS['fpn-r50']), **changes})


def test_sizes_that_it_does_not_take_are_refused():
    PRESETS['fpn-r50'].check_size((800, 1344))
    with pytest.raises(ValueError, match='takes multiples of 32: the nearest is 800x1344'):
        PRESETS['fpn-r50'].check_size((800, 1333))
