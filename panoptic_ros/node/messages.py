"""Panoptic results as vision_msgs."""

from __future__ import annotations

from std_msgs.msg import Header
from vision_msgs.msg import (
    BoundingBox2D,
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesisWithPose,
    VisionClass,
)

from ..labels import LabelSpace
from ..panoptic import Panoptic


def label_info(label_space: LabelSpace, header: Header) -> LabelInfo:
    """Return the names of the classes by the values that ``~/semantic`` gives their pixels."""
    return LabelInfo(header=header, threshold=0.0, class_map=[
        VisionClass(class_id=class_id, class_name=name)
        for class_id, name in enumerate(label_space.names)])


def detections(panoptic: Panoptic, header: Header) -> Detection2DArray:
    """
    Return the things of an image, largest first, one hypothesis each.

    ``id`` is the value of the thing's pixels in ``~/panoptic``, so it is unique within an image;
    a thing that is tracked keeps it from image to image.
    The box has its corners at center -+ size / 2, in pixels from the image's upper left corner.
    """
    things = panoptic.things
    names = panoptic.label_space.names
    return Detection2DArray(header=header, detections=[
        _detection(str(label), names[class_id], score, box, header)
        for label, class_id, score, box in zip(
            things.label.tolist(), things.class_id.tolist(), things.score.tolist(),
            things.box.tolist(), strict=True)])


def _detection(identifier: str, name: str, score: float, box: list[int],
               header: Header) -> Detection2D:
    x0, y0, x1, y1 = box
    hypothesis = ObjectHypothesisWithPose()
    hypothesis.hypothesis.class_id = name
    hypothesis.hypothesis.score = score
    bounds = BoundingBox2D(size_x=float(x1 - x0), size_y=float(y1 - y0))
    bounds.center.position.x = (x0 + x1) / 2
    bounds.center.position.y = (y0 + y1) / 2
    return Detection2D(header=header, results=[hypothesis], bbox=bounds, id=identifier)
