// Bilinear upsampling, in the order of operations of upsampling.py.
#pragma once
#include "task.cuh"

struct Half {                       // bits of an IEEE half: needs no header of the toolkit
    unsigned short bits;
};

__device__ inline float as_float(float value) {
    return value;
}

__device__ inline float as_float(Half value) {
#ifdef CUDA_ON_CPU
    return half_bits_to_float(value.bits);
#else
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
    return result;
#endif
}

// The two cells that a pixel lies between, along one axis, and their weights.
struct Place {
    int before, after;
    float weight_before, weight_after;
};

__device__ inline Place locate(int pixel, float step, float shift, int cells) {
    float position = (static_cast<float>(pixel) + 0.5f) * step - shift;
    position = max(position, 0.0f);
    Place place;
    place.before = min(static_cast<int>(position), cells - 1);
    place.after = min(place.before + 1, cells - 1);
    place.weight_after = min(position - static_cast<float>(place.before), 1.0f);
    place.weight_before = 1.0f - place.weight_after;
    return place;
}

__device__ inline Place locate_row(const Task& task, int y) {
    return locate(y, task.y_step, task.shift, task.rows);
}

__device__ inline Place locate_column(const Task& task, int x) {
    return locate(x, task.x_step, task.shift, task.columns);
}

// The cell nearest to the middle of a pixel; no axis has so many that 32 bits overflow.
__device__ inline int nearest_cell(const Task& task, unsigned pixel, unsigned pixels,
                                   unsigned full, int cells) {
    const unsigned stride = task.stride;
    const unsigned later = task.align_corners ? pixels * (stride - 1u) : 0u;
    const unsigned cell = ((2u * pixel + 1u) * full + later) / (2u * pixels * stride);
    return min(static_cast<int>(cell), cells - 1);
}

__device__ inline int nearest_row(const Task& task, int y) {
    return nearest_cell(task, y, task.height, task.input_height, task.rows);
}

__device__ inline int nearest_column(const Task& task, int x) {
    return nearest_cell(task, x, task.width, task.input_width, task.columns);
}

__device__ inline float interpolate(const Place& y, const Place& x, float upper_left,
                                    float upper_right, float lower_left, float lower_right) {
    const float upper = x.weight_before * upper_left + x.weight_after * upper_right;
    const float lower = x.weight_before * lower_left + x.weight_after * lower_right;
    return y.weight_before * upper + y.weight_after * lower;
}

__device__ inline float finite_logit(float logit) {     // NaN is the lowest
    logit = logit > -LIMIT ? logit : -LIMIT;
    return logit < LIMIT ? logit : LIMIT;
}

__device__ inline float finite_heat(float heat) {       // NaN is 0
    heat = heat == heat ? heat : 0.0f;
    heat = heat > -LIMIT ? heat : -LIMIT;
    return heat < LIMIT ? heat : LIMIT;
}

__device__ inline float finite_offset(float offset) {   // what is not finite is 0
    offset = fabsf(offset) <= LARGEST ? offset : 0.0f;
    offset = offset > -OFFSET_LIMIT ? offset : -OFFSET_LIMIT;
    return offset < OFFSET_LIMIT ? offset : OFFSET_LIMIT;
}

template <class Head>
__device__ inline float logit_at(const Task& task, int class_id, int row, int column) {
    const Head* plane = static_cast<const Head*>(task.semantic)
        + static_cast<long long>(class_id) * task.rows * task.columns;
    return finite_logit(as_float(plane[row * task.columns + column]));
}

// The four cells around a pixel, as indices into a plane.
struct Corners {
    int upper_left, upper_right, lower_left, lower_right;
};

__device__ inline Corners corners_of(const Task& task, const Place& y, const Place& x) {
    const int above = y.before * task.columns, below = y.after * task.columns;
    return {above + x.before, above + x.after, below + x.before, below + x.after};
}

template <class Head>
__device__ inline float upsample_logit(const Head* plane, const Corners& corners, const Place& y,
                                       const Place& x) {
    return interpolate(y, x, finite_logit(as_float(plane[corners.upper_left])),
                       finite_logit(as_float(plane[corners.upper_right])),
                       finite_logit(as_float(plane[corners.lower_left])),
                       finite_logit(as_float(plane[corners.lower_right])));
}

template <class Head>
__device__ inline float heat_at(const Task& task, int row, int column) {
    return finite_heat(as_float(static_cast<const Head*>(task.center)[row * task.columns
                                                                      + column]));
}

template <class Head>
__device__ inline float upsample_heat(const Task& task, const Place& y, const Place& x) {
    return interpolate(y, x, heat_at<Head>(task, y.before, x.before),
                       heat_at<Head>(task, y.before, x.after),
                       heat_at<Head>(task, y.after, x.before),
                       heat_at<Head>(task, y.after, x.after));
}

template <class Head>
__device__ inline float upsample_offset(const Task& task, int axis, const Place& y,
                                        const Place& x) {
    const Head* plane = static_cast<const Head*>(task.offset) + axis * task.rows * task.columns;
    const int above = y.before * task.columns, below = y.after * task.columns;
    return interpolate(y, x, finite_offset(as_float(plane[above + x.before])),
                       finite_offset(as_float(plane[above + x.after])),
                       finite_offset(as_float(plane[below + x.before])),
                       finite_offset(as_float(plane[below + x.after])));
}
