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

// The two cells that a pixel lies between, along one axis, and their weights: 1 and 0 where both
// are the same, so that rounding cannot part pixels that have the same value.
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
    place.weight_after = place.before < place.after
        ? position - static_cast<float>(place.before) : 0.0f;
    place.weight_before = 1.0f - place.weight_after;
    return place;
}

__device__ inline Place locate_row(const Task& task, int y) {
    return locate(y, task.y_step, task.shift, task.rows);
}

__device__ inline Place locate_column(const Task& task, int x) {
    return locate(x, task.x_step, task.shift, task.columns);
}

__device__ inline float interpolate(const Place& y, const Place& x, float upper_left,
                                    float upper_right, float lower_left, float lower_right) {
    const float upper = x.weight_before * upper_left + x.weight_after * upper_right;
    const float lower = x.weight_before * lower_left + x.weight_after * lower_right;
    return y.weight_before * upper + y.weight_after * lower;
}

// fmaxf and fminf return the other value where one is NaN.
__device__ inline float finite_logit(float logit) {     // NaN is the lowest
    return fminf(fmaxf(logit, -LIMIT), LIMIT);
}

__device__ inline float finite_heat(float heat) {       // NaN is 0
    return fminf(fmaxf(heat == heat ? heat : 0.0f, -LIMIT), LIMIT);
}

__device__ inline float finite_offset(float offset) {   // what is not finite is 0
    offset = fabsf(offset) <= LARGEST ? offset : 0.0f;
    return fminf(fmaxf(offset, -OFFSET_LIMIT), OFFSET_LIMIT);
}

template <class Head>
__device__ inline float logit_at(const Task& task, int class_id, int row, int column) {
    const Head* plane = task.semantic.as<Head>()
        + static_cast<long long>(class_id) * task.rows * task.columns;
    return finite_logit(as_float(plane[row * task.columns + column]));
}

template <class Head>
__device__ inline float heat_at(const Task& task, int row, int column) {
    return finite_heat(as_float(task.center.as<Head>()[row * task.columns
                                                                      + column]));
}

// Between two heats: rounding brings it neither over the hotter nor under the colder one.
__device__ inline float between(const Place& place, float before, float after) {
    const float value = place.weight_before * before + place.weight_after * after;
    return fmaxf(fminf(value, fmaxf(before, after)), fminf(before, after));
}

template <class Head>
__device__ inline float upsample_heat(const Task& task, const Place& y, const Place& x) {
    return between(y, between(x, heat_at<Head>(task, y.before, x.before),
                              heat_at<Head>(task, y.before, x.after)),
                   between(x, heat_at<Head>(task, y.after, x.before),
                           heat_at<Head>(task, y.after, x.after)));
}
