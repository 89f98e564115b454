"""The four views as tables for people."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .average_precision import LEAST_AREA
from .class_agnostic import ClassAgnostic
from .lost_quality import CAUSES, INSTANCE
from .tables import Row
from .views import UNSEEN, Views

_LARGE = f'from {LEAST_AREA} px'

VIEW_HEADER = ('', *UNSEEN, _LARGE)
"""What ``view_rows`` returns."""

SEGMENT_HEADER = ('', 'PQ', 'SQ', 'RQ', 'TP', 'FP', 'FN')
"""What ``segment_rows`` returns."""

LOST_HEADER = ('PQ lost to', 'all', 'share', 'things', 'stuff', 'unmatched', 'unseen by')
"""What ``lost_rows`` returns."""

_UNSEEN_BY = {'class': 'class-agnostic', 'merged': 'semantic', 'split': 'semantic'}


def view_rows(views: Views) -> Iterator[Row]:
    """Yield a row per measure, then what each view does not see, and the PQ that this costs."""
    precision = views.average_precision.compute().mean
    panoptic, agnostic, large = (
        quality.compute().all for quality in
        (views.panoptic_quality, views.class_agnostic.quality, views.class_agnostic.large))
    for measure in ('pq', 'sq', 'rq'):
        whole, erased, erased_large = (_shown(getattr(quality, measure))
                                       for quality in (panoptic, agnostic, large))
        yield measure.upper(), whole, '', '', erased, erased_large
    yield 'mIoU', '', _shown(views.mean_iou.compute().mean), '', '', ''
    yield 'AP', '', '', _shown(precision.ap), '', ''
    yield 'AP50', '', '', _shown(precision.ap50), '', ''
    yield 'unseen', *UNSEEN.values(), ''
    yield 'PQ lost', *(_shown(value) for value in views.unseen().values()), ''


def segment_rows(segments: ClassAgnostic) -> Iterator[Row]:
    """Yield the class-agnostic view, of all segments and without the small ones."""
    for name, quality in (('class-agnostic', segments.quality),
                          (_LARGE, segments.large)):
        result = quality.compute()
        one = result.per_class.get('segment')
        counts = (one.tp, one.fp, one.fn) if one else (0, 0, 0)
        yield name, *map(_shown, (result.all.pq, result.all.sq, result.all.rq)), *counts


def lost_rows(views: Views) -> Iterator[Row]:
    """Yield a row per cause, with the instance's four together, and their sum, 100 - PQ."""
    lost = views.lost_quality.compute()
    whole = sum(lost.all.values())

    def row(title: str, causes: tuple[str, ...], unseen_by: str = '') -> Row:
        everywhere, things, stuff = (sum(shares[cause] for cause in causes)
                                     for shares in (lost.all, lost.things, lost.stuff))
        return (title, _shown(everywhere), f'{everywhere / whole:.1%}' if whole > 0 else '-',
                _shown(things), _shown(stuff), sum(lost.unmatched[cause] for cause in causes),
                unseen_by)

    for cause in ('class', 'mask'):
        yield row(cause, (cause,), _UNSEEN_BY.get(cause, ''))
    yield row('instance', INSTANCE)
    for cause in INSTANCE:
        yield row(f'  {cause}', (cause,), _UNSEEN_BY.get(cause, ''))
    yield row('all, 100 - PQ', CAUSES)


def _shown(value: float) -> object:
    """Return a figure, or a dash where it is undefined."""
    return '-' if np.isnan(value) else value
