// The kernels of the GPU path, in the order in which they run.  blockIdx.z is the number of the
// image in the batch, and the grid is that of the largest.
#include "task.cuh"
#include "upsampling.cuh"
#include "warp.cuh"
#include "resizing.cuh"
#include "cells.cuh"
#include "centers.cuh"
#include "assignment.cuh"
#include "numbering.cuh"
#include "painting.cuh"
#include "pictures.cuh"

extern "C" __global__ void resize_images(Tasks tasks) { resize(tasks); }

extern "C" __global__ void read_cells_float(Tasks tasks) { read_cells<float>(tasks); }
extern "C" __global__ void read_cells_half(Tasks tasks) { read_cells<Half>(tasks); }

extern "C" __global__ void __launch_bounds__(1024) find_peaks_float(Tasks tasks) {
    find_peaks<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(1024) find_peaks_half(Tasks tasks) {
    find_peaks<Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(1024, 1) list_centers_float(Tasks tasks) {
    list_centers<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(1024, 1) list_centers_half(Tasks tasks) {
    list_centers<Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(1024) assign_pixels_float(Tasks tasks) {
    assign_pixels<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(1024) assign_pixels_half(Tasks tasks) {
    assign_pixels<Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(1024, 1) number_segments_any(Tasks tasks) {
    number_segments(tasks);
}

extern "C" __global__ void __launch_bounds__(1024) paint_labels_float(Tasks tasks) {
    paint_labels<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(1024) paint_labels_half(Tasks tasks) {
    paint_labels<Half>(tasks);
}

extern "C" __global__ void draw_pictures_any(Tasks tasks) { draw_pictures(tasks); }
