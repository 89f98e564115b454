// Where the pixels lie between cells whose values are brought to another size twice; locations.py
// lays out the same fields.
#pragma once
#include "canvas.cuh"

// Where a pixel lies along an axis: its first cell, and the weights of that cell and the next two.
struct alignas(16) Location {
    int cell;
    float weight[3];
};

// Return the weighted sum over the REACH cells of a pixel along one axis.
template <int REACH>
__device__ inline float weigh(const Location& place, const float (&values)[REACH]) {
    float value = place.weight[0] * values[0] + place.weight[1] * values[1];
    if constexpr (REACH > 2) {
        value += place.weight[2] * values[2];
    }
    return value;
}
