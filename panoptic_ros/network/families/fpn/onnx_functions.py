"""
Suppression as ONNX functions, of operators that every runtime has.

``suppression`` says what they compute.  An exported file holds them in line.
"""

from __future__ import annotations

import onnx

DOMAIN = 'panoptic_ros'
"""The domain of the functions."""

_SUPPRESS = f"""
<domain: "{DOMAIN}", opset_import: ["" : 18]>
Suppress (suppressing) => (kept)
{{
    half = Constant <value_float: float = 0.5> ()
    axis = Constant <value_ints: ints = [1]> ()
    last = Constant <value_int: int = 2> ()
    yes = Constant <value = bool {{1}}> ()
    lines = ReduceMax <keepdims: int = 0> (suppressing, axis)
    line_shape = Shape (lines)
    all = ConstantOfShape <value = float[1] {{1.0}}> (line_shape)
    shape = Shape (suppressing)
    most = Gather <axis: int = 0> (shape, last)
    kept = Loop (most, yes, all) <body: graph = round
        (int64 number, bool on, float[B, K] before) => (bool again, float[B, K] after)
    {{
        line = Unsqueeze (before, axis)
        hits = MatMul (line, suppressing)
        hit = Squeeze (hits, axis)
        free = Less (hit, half)
        after = Cast <to: int = 1> (free)
        change = Sub (before, after)
        size = Abs (change)
        largest = ReduceMax <keepdims: int = 0> (size)
        again = Greater (largest, half)
    }}>
}}
"""

_PICK = f"""
<domain: "{DOMAIN}", opset_import: ["" : 18]>
Pick (scores, boxes, count, threshold) => (score, own, box)
{{
    yes = Constant <value = bool {{1}}> ()
    nothing = Constant <value_float: float = 0.0> ()
    zero = Constant <value_int: int = 0> ()
    one = Constant <value_int: int = 1> ()
    two = Constant <value_int: int = 2> ()
    axis1 = Constant <value_ints: ints = [1]> ()
    axis2 = Constant <value_ints: ints = [2]> ()
    axes23 = Constant <value_ints: ints = [2, 3]> ()
    corners = Constant <value_ints: ints = [1, 1, 4]> ()
    line_shape = Constant <value_ints: ints = [0, -1]> ()
    flat_shape = Constant <value_ints: ints = [0, -1, 4]> ()
    flat = Reshape (boxes, flat_shape)
    shape = Shape (scores)
    rows = Gather <axis: int = 0> (shape, one)
    classes = Gather <axis: int = 0> (shape, two)
    all = Mul (rows, classes)
    numbers = Range (zero, all, one)
    names = Range (zero, classes, one)
    row_ones = Slice (shape, axis1, axis2)
    lone = Constant <value_ints: ints = [1]> ()
    four = Constant <value_ints: ints = [4]> ()
    of_class = Concat <axis: int = 0> (lone, row_ones, lone, four)
    state, scores_found, classes_found, boxes_found = Loop (count, yes, scores) <body: graph = turn
        (int64 number, bool on, float[N, P, C] left)
        => (bool again, float[N, P, C] after, float[N] best, int64[N] class, float[N, 4] place)
    {{
        again = Identity (on)
        line = Reshape (left, line_shape)
        at = ArgMax <axis: int = 1, keepdims: int = 1> (line)
        best_1 = GatherElements <axis: int = 1> (line, at)
        best = Squeeze (best_1, axis1)
        class_1 = Mod (at, classes)
        class = Squeeze (class_1, axis1)
        at_3 = Unsqueeze (at, axis2)
        at_4 = Expand (at_3, corners)
        chosen = GatherElements <axis: int = 1> (flat, at_4)
        place = Squeeze (chosen, axis1)
        class_4 = Unsqueeze (class_1, axes23)
        class_all = Expand (class_4, of_class)
        others_4 = GatherElements <axis: int = 2> (boxes, class_all)
        others = Squeeze (others_4, axis2)
        low, high = Split <axis: int = 2, num_outputs: int = 2> (others)
        own_low, own_high = Split <axis: int = 2, num_outputs: int = 2> (chosen)
        begin = Max (low, own_low)
        end = Min (high, own_high)
        extent = Sub (end, begin)
        side = Max (extent, nothing)
        common = ReduceProd <keepdims: int = 0> (side, axis2)
        sides = Sub (high, low)
        area = ReduceProd <keepdims: int = 0> (sides, axis2)
        own_sides = Sub (own_high, own_low)
        own_area = ReduceProd <keepdims: int = 0> (own_sides, axis2)
        both = Add (area, own_area)
        union = Sub (both, common)
        overlap = Div (common, union)
        over = Greater (overlap, threshold)
        over_3 = Unsqueeze (over, axis2)
        class_3 = Unsqueeze (class_1, axis2)
        same = Equal (names, class_3)
        gone = And (over_3, same)
        fewer = Where (gone, nothing, left)
        fewer_line = Reshape (fewer, line_shape)
        itself = Equal (numbers, at)
        rest = Where (itself, nothing, fewer_line)
        after = Reshape (rest, shape)
    }}>
    score = Transpose <perm: ints = [1, 0]> (scores_found)
    own = Transpose <perm: ints = [1, 0]> (classes_found)
    box = Transpose <perm: ints = [1, 0, 2]> (boxes_found)
}}
"""

FUNCTIONS: tuple[onnx.FunctionProto, ...] = tuple(
    onnx.parser.parse_function(text) for text in (_SUPPRESS, _PICK))
"""The functions."""
