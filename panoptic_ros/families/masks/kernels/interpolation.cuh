// The logit of a mask at a pixel, with the operations of reference.py in their order.
#pragma once
#include "task.cuh"

// Return the weighted sum over the REACH cells of a pixel along one axis.
template <int REACH>
__device__ inline float weigh(const Location& place, const float (&values)[REACH]) {
    float value = place.weight[0] * values[0] + place.weight[1] * values[1];
    if constexpr (REACH > 2) {
        value += place.weight[2] * values[2];
    }
    return value;
}
