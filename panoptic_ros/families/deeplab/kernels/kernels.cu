// The kernels of the GPU path, in the order in which they run.  blockIdx.z is the number of the
// image in the batch.
#include "cells.cuh"
#include "assignment.cuh"
#include "settling.cuh"
#include "probability.cuh"
#include "confidence.cuh"
#include "resizing.cuh"

extern "C" __global__ void resize_images(Resizings images) { resize(images); }

extern "C" __global__ void __launch_bounds__(MOST_THREADS, 4) read_heads_float(Tasks tasks) {
    read_heads<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(MOST_THREADS, 4) read_heads_half(Tasks tasks) {
    read_heads<Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) assign_patches_float(Tasks tasks) {
    assign_patches<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(MOST_THREADS) assign_patches_half(Tasks tasks) {
    assign_patches<Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) settle_pixels_float(Tasks tasks) {
    settle_pixels<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(MOST_THREADS) settle_pixels_half(Tasks tasks) {
    settle_pixels<Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) paint_labels_float(Tasks tasks) {
    paint_labels<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(MOST_THREADS) paint_labels_half(Tasks tasks) {
    paint_labels<Half>(tasks);
}

extern "C" __global__ void measure_confidence(Tasks tasks) {
    write_confidence(tasks[blockIdx.z].canvas);
}
