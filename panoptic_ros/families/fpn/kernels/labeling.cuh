// Writing the labels of all pixels, after the codes have theirs.
#pragma once
#include "task.cuh"
#include "warp.cuh"

// A warp has 32 columns and LINES rows of pixels.
__device__ inline void label_pixels_of(Tasks tasks) {
    const Task& task = tasks[blockIdx.z];
    const Canvas& canvas = task.canvas;
    const int x = blockIdx.x * WORD + warp_lane();
    const int top = (blockIdx.y * blockDim.y + threadIdx.y) * LINES;
    if (x >= canvas.width) {
        return;
    }
    for (int y = top; y < min(top + LINES, canvas.height); ++y) {
        const int place = y * canvas.width + x;
        const unsigned short label = canvas.label_of[canvas.labels[place]];
        canvas.labels[place] = label;
        if (label == UNLABELED && canvas.confidence.pointer) {
            canvas.confidence[place] = 0;
        }
    }
}
