// The confidence of each pixel, which is computed only on request.
#pragma once
#include "upsampling.cuh"

__device__ inline unsigned char confidence_at(const Canvas& canvas, int y, int x) {
    const Place row = locate_row(canvas, y);
    const Place column = locate_column(canvas, x);
    const int* above = canvas.probability + row.before * canvas.columns;
    const int* below = canvas.probability + row.after * canvas.columns;
    const float value = interpolate(
        row, column, static_cast<float>(above[column.before]),
        static_cast<float>(above[column.after]), static_cast<float>(below[column.before]),
        static_cast<float>(below[column.after]));
    return static_cast<unsigned char>(value * (255.0f / PROBABILITY_ONE) + 0.5f);
}

// One thread for each pixel.
__device__ inline void write_confidence(const Canvas& canvas) {
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < canvas.width && y < canvas.height) {
        canvas.confidence[y * canvas.width + x] = confidence_at(canvas, y, x);
    }
}
