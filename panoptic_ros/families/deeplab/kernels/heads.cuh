// The heads, read as finite values and upsampled to the pixels.
#pragma once
#include "patches.cuh"
#include "task.cuh"

__device__ inline float finite_heat(float heat) {       // NaN is 0
    return fminf(fmaxf(heat == heat ? heat : 0.0f, -LIMIT), LIMIT);
}

__device__ inline float finite_offset(float offset) {   // NaN and infinity are 0
    offset = fabsf(offset) <= LARGEST ? offset : 0.0f;
    return fminf(fmaxf(offset, -OFFSET_LIMIT), OFFSET_LIMIT);
}

template <class Head>
__device__ inline float logit_at(const Task& task, int class_id, int row, int column) {
    const Head* plane = task.semantic.as<Head>()
        + static_cast<long long>(class_id) * task.canvas.rows * task.canvas.columns;
    return finite_logit(as_float(plane[row * task.canvas.columns + column]));
}

template <class Head>
__device__ inline float heat_at(const Task& task, int row, int column) {
    return finite_heat(as_float(task.center.as<Head>()[row * task.canvas.columns + column]));
}

// Interpolate two heats.  The result is clipped, so that rounding cannot carry it beyond them.
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
