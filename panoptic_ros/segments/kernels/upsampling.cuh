// Bilinear upsampling, with the order of operations in upsampling.py.
#pragma once
#include "canvas.cuh"

struct Half {                       // the bits of an IEEE half, without a header of CUDA
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

// The two cells that a pixel lies between, along one axis, and their weights.  If both cells are
// the same, the weights are 1 and 0, so that rounding cannot part pixels of the same value.
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

__device__ inline Place locate_row(const Canvas& canvas, int y) {
    return locate(y, canvas.y_step, canvas.shift, canvas.image_rows);
}

__device__ inline Place locate_column(const Canvas& canvas, int x) {
    return locate(x, canvas.x_step, canvas.shift, canvas.image_columns);
}

__device__ inline float interpolate(const Place& y, const Place& x, float upper_left,
                                    float upper_right, float lower_left, float lower_right) {
    const float upper = x.weight_before * upper_left + x.weight_after * upper_right;
    const float lower = x.weight_before * lower_left + x.weight_after * lower_right;
    return y.weight_before * upper + y.weight_after * lower;
}

// Clip a logit.  NaN becomes the lowest one, because fmaxf returns the other value if one is NaN.
__device__ inline float finite_logit(float logit) {
    return fminf(fmaxf(logit, -LIMIT), LIMIT);
}
