"""An evaluation as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .evaluation import Evaluation

Row = tuple[object, ...]

CLASS_HEADER = ('class', 'PQ', 'SQ', 'RQ', 'AP', 'IoU', 'TP', 'FP', 'FN')
"""What ``class_rows`` returns."""

MEAN_HEADER = ('', 'PQ', 'SQ', 'RQ', 'classes')
"""What ``mean_rows`` returns."""


def class_rows(total: Evaluation) -> Iterator[Row]:
    """Yield a row per class that occurs."""
    qualities = total.panoptic_quality.compute().per_class
    precisions = total.average_precision.compute().per_class
    ious = total.mean_iou.compute().per_class
    for name in total.label_space.names:
        if name not in qualities and name not in ious:
            continue
        q, precision = qualities.get(name), precisions.get(name)
        yield (name, *((q.pq, q.sq, q.rq) if q else ('',) * 3),
               precision.ap if precision else '', ious.get(name, ''),
               *((q.tp, q.fp, q.fn) if q else ('',) * 3))


def mean_rows(total: Evaluation) -> Iterator[Row]:
    """Yield a row for all classes, one for things and one for stuff."""
    result = total.panoptic_quality.compute()
    for group, mean in (('all', result.all), ('things', result.things), ('stuff', result.stuff)):
        yield group, mean.pq, mean.sq, mean.rq, mean.classes


def means(total: Evaluation) -> dict[str, float]:
    """Return the means by their names, in percent; NaN where one is undefined."""
    quality, precision = total.panoptic_quality.compute(), total.average_precision.compute().mean
    return {'PQ': quality.all.pq, 'PQ things': quality.things.pq, 'PQ stuff': quality.stuff.pq,
            'SQ': quality.all.sq, 'RQ': quality.all.rq, 'AP': precision.ap,
            'AP50': precision.ap50, 'mIoU': total.mean_iou.compute().mean}


def comparison_rows(first: Evaluation, second: Evaluation) -> Iterator[Row]:
    """Yield a row per mean, and per class its PQ: the first, the second, what is lost."""
    def compared(values: Mapping[str, float], others: Mapping[str, float]) -> Iterator[Row]:
        for name, value in values.items():
            other = others.get(name, 0.0)
            yield name, value, other, value - other

    yield from compared(means(first), means(second))
    yield from compared(*({f'PQ {name}': quality.pq for name, quality in
                           total.panoptic_quality.compute().per_class.items()}
                          for total in (first, second)))
