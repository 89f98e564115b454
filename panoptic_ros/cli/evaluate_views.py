"""What ``evaluate`` prints of the four views."""

from __future__ import annotations

from ..evaluation.class_agnostic import ClassAgnostic
from ..evaluation.view_tables import (
    LOST_HEADER,
    SEGMENT_HEADER,
    VIEW_HEADER,
    lost_rows,
    segment_rows,
    view_rows,
)
from ..evaluation.views import Views
from ..report import print_table

NOT_MEASURED = {
    'panoptic': 'PQ matches segments of one class, and these have no class',
    'semantic': 'mIoU compares classes, and these segments have none',
    'instance': 'AP ranks the instances of a class by their scores, and there is neither'}
"""Why the other views cannot be had of segments without classes."""


def print_views(views: Views) -> None:
    """Print the views side by side, and to which errors PQ is lost."""
    frames = views.panoptic_quality.images
    print_table(f'four views of {frames} frames, in percent; what each does not see, and how much '
                'PQ is lost to it', VIEW_HEADER, view_rows(views))
    if views.shattered:
        print(f'the class-agnostic view lacks {views.shattered} of them: their stuff falls into '
              'more pieces than can be numbered, as noise does')
    print_table('errors, each segment counted once', LOST_HEADER, lost_rows(views))


def print_segments(segments: ClassAgnostic, frames: int) -> None:
    """Print the one view of segments without classes, and why there is no other."""
    print_table(f'segments of {frames} frames without classes, in percent', SEGMENT_HEADER,
                segment_rows(segments))
    for view, reason in NOT_MEASURED.items():
        print(f'{view} view: not measured, {reason}')
