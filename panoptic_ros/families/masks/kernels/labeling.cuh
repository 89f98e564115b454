// Writing the labels of all pixels, after the queries have theirs.
#pragma once
#include "patches.cuh"
#include "task.cuh"

// A warp takes 32 columns of pixels of a row of patches.
__device__ inline void write_labels_of(Tasks tasks) {
    const Task& task = tasks[blockIdx.z];
    const Canvas& canvas = task.canvas;
    const int x = blockIdx.x * 32 + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= canvas.width || row >= canvas.rows) {
        return;
    }
    const int top = canvas.row_start[row], bottom = canvas.row_start[row + 1];
    if (top >= bottom) {
        return;
    }
    const int of_patch = canvas.patch_code[row * canvas.columns + task.column_locations[x].cell];
    for (int y = top; y < bottom; ++y) {
        const int place = y * canvas.width + x;
        const int code = of_patch == OPEN ? canvas.labels[place] : of_patch;
        const unsigned short label = code == NO_QUERY ? UNLABELED : task.kept_label[code];
        canvas.labels[place] = label;
        if (label == UNLABELED && canvas.confidence.pointer) {
            canvas.confidence[place] = 0;
        }
    }
}
