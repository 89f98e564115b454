// The kernels of the GPU path, in the order in which they run.  blockIdx.z is the number of the
// image in the batch.
#include "ordering.cuh"
#include "channels.cuh"
#include "pasting.cuh"
#include "claiming.cuh"
#include "stuff.cuh"
#include "labeling.cuh"
#include "resizing.cuh"

extern "C" __global__ void resize_images(Resizings images) { resize(images); }

extern "C" __global__ void __launch_bounds__(MOST_THREADS) order_detections_float(Tasks tasks) {
    order_detections<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(MOST_THREADS) order_detections_half(Tasks tasks) {
    order_detections<Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) find_channels_float(Tasks tasks) {
    find_channels<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(MOST_THREADS) find_channels_half(Tasks tasks) {
    find_channels<Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) paste_masks_float(Tasks tasks) {
    paste_masks<float>(tasks);
}
extern "C" __global__ void __launch_bounds__(MOST_THREADS) paste_masks_half(Tasks tasks) {
    paste_masks<Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(CLAIM_THREADS, 1) claim_things(Tasks tasks) {
    claim(tasks);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) paint_things(Tasks tasks) {
    paint_things_of(tasks);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS, 3) find_stuff_2_float(Tasks tasks) {
    find_stuff<2, float>(tasks);
}
extern "C" __global__ void __launch_bounds__(MOST_THREADS, 3) find_stuff_2_half(Tasks tasks) {
    find_stuff<2, Half>(tasks);
}
extern "C" __global__ void __launch_bounds__(MOST_THREADS, 3) find_stuff_3_float(Tasks tasks) {
    find_stuff<3, float>(tasks);
}
extern "C" __global__ void __launch_bounds__(MOST_THREADS, 3) find_stuff_3_half(Tasks tasks) {
    find_stuff<3, Half>(tasks);
}

extern "C" __global__ void __launch_bounds__(MOST_THREADS) label_pixels(Tasks tasks) {
    label_pixels_of(tasks);
}
