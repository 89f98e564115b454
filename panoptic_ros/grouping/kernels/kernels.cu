// The kernels of the GPU path.  Each takes the tasks of a batch, one for an image; blockIdx.z is
// the image, and the grid is that of the largest.  They run in this order.
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

extern "C" __global__ void resize_images(const Task* tasks) { resize(tasks); }

extern "C" __global__ void read_cells_float(const Task* tasks) { read_cells<float>(tasks); }
extern "C" __global__ void read_cells_half(const Task* tasks) { read_cells<Half>(tasks); }

extern "C" __global__ void find_peaks_float(const Task* tasks) { find_peaks<float>(tasks); }
extern "C" __global__ void find_peaks_half(const Task* tasks) { find_peaks<Half>(tasks); }

extern "C" __global__ void list_centers_float(const Task* tasks) { list_centers<float>(tasks); }
extern "C" __global__ void list_centers_half(const Task* tasks) { list_centers<Half>(tasks); }

extern "C" __global__ void assign_pixels_float(const Task* tasks) { assign_pixels<float>(tasks); }
extern "C" __global__ void assign_pixels_half(const Task* tasks) { assign_pixels<Half>(tasks); }

extern "C" __global__ void number_segments_any(const Task* tasks) { number_segments(tasks); }

extern "C" __global__ void paint_labels_float(const Task* tasks) { paint_labels<float>(tasks); }
extern "C" __global__ void paint_labels_half(const Task* tasks) { paint_labels<Half>(tasks); }

extern "C" __global__ void draw_pictures_any(const Task* tasks) { draw_pictures(tasks); }
