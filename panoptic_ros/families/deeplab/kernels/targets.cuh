// The targets of a patch's pixels, which their offsets point to, and the distances of centres.
#pragma once
#include "heads.cuh"

// Return the code of all four cells, or OPEN if they differ.  If the cells have the same class,
// the pixels have it, too, because no step of the interpolation reverses the order of two logits.
// (Rounding can at most make the logit of a class with a lower id equal, and that class would
// win.  Then the two differ by less than the rounding.)
__device__ inline int common_code(const Task& task, const Corners& corners) {
    const int code = task.cell_code[corners.cell[0]];
    for (int corner = 1; corner < 4; ++corner) {
        if (task.cell_code[corners.cell[corner]] != code) {
            return OPEN;
        }
    }
    return code;
}

// A box around the targets of a patch's pixels.
struct Box {
    float top, bottom, left, right;
};

__device__ inline float squared_distance(float dy, float dx) {
    return dy * dy + dx * dx;
}

// The distances from a point to the farthest and to the nearest point of a box.  Rounding keeps
// the order of distances.  So a centre that is farther by these is not nearer to any target in the
// box.
__device__ inline float farthest(const Box& box, float y, float x) {
    return squared_distance(max(box.bottom - y, y - box.top), max(box.right - x, x - box.left));
}

__device__ inline float closest(const Box& box, float y, float x) {
    return squared_distance(max(max(box.top - y, y - box.bottom), 0.0f),
                            max(max(box.left - x, x - box.right), 0.0f));
}

template <class Head>
__device__ inline float offset_at(const Task& task, int axis, int cell) {
    return finite_offset(as_float(
        task.offset.as<Head>()[axis * task.canvas.rows * task.canvas.columns + cell]));
}

// The offset of a pixel between four cells.
template <class Head>
__device__ inline float upsample_offset(const Task& task, int axis, const Corners& corners,
                                        const Place& y, const Place& x) {
    return interpolate(y, x, offset_at<Head>(task, axis, corners.cell[0]),
                       offset_at<Head>(task, axis, corners.cell[1]),
                       offset_at<Head>(task, axis, corners.cell[2]),
                       offset_at<Head>(task, axis, corners.cell[3]));
}

struct Range {
    float low, high;
};

// Return the range of a patch's offsets along an axis, in pixels of the label image.
template <class Head>
__device__ inline Range bound_offsets(const Task& task, const Corners& corners, int axis,
                                      float scale) {
    float low = LARGEST, high = -LARGEST;
    for (int corner = 0; corner < 4; ++corner) {
        const float offset = offset_at<Head>(task, axis, corners.cell[corner]);
        low = min(low, offset);
        high = max(high, offset);
    }
    low -= fabsf(low) * 1e-6f + 1e-30f;     // more than the rounding
    high += fabsf(high) * 1e-6f + 1e-30f;
    return {low * scale, high * scale};
}

template <class Head>
__device__ inline Box targets_of(const Task& task, const Patch& patch, const Corners& corners) {
    const Range y = bound_offsets<Head>(task, corners, 0, task.y_scale);
    const Range x = bound_offsets<Head>(task, corners, 1, task.x_scale);
    return {static_cast<float>(patch.top) + y.low, static_cast<float>(patch.bottom - 1) + y.high,
            static_cast<float>(patch.left) + x.low, static_cast<float>(patch.right - 1) + x.high};
}
