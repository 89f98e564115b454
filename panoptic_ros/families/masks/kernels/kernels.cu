// The kernels of the GPU path, in the order in which they run.  blockIdx.z is the number of the
// image in the batch.
#include "queries.cuh"
#include "deciding.cuh"
#include "labeling.cuh"
#include "resizing.cuh"

extern "C" __global__ void resize_images(Resizings images) { resize(images); }

extern "C" __global__ void __launch_bounds__(MOST_THREADS) keep_queries_float(Tasks tasks) {
    keep_queries<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(MOST_THREADS) keep_queries_half(Tasks tasks) {
    keep_queries<Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(TILE_THREADS, 5) decide_pixels_2_float(Tasks tasks) {
    decide_pixels<2, float>(tasks);
}
extern "C" __global__ void __launch_bounds__(TILE_THREADS, 5) decide_pixels_2_half(Tasks tasks) {
    decide_pixels<2, Half>(tasks);
}
extern "C" __global__ void __launch_bounds__(TILE_THREADS, 4) decide_pixels_3_float(Tasks tasks) {
    decide_pixels<3, float>(tasks);
}
extern "C" __global__ void __launch_bounds__(TILE_THREADS, 4) decide_pixels_3_half(Tasks tasks) {
    decide_pixels<3, Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) write_labels(Tasks tasks) {
    write_labels_of(tasks);
}
