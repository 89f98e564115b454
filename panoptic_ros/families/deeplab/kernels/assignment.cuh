// Deciding class and instance of all pixels of a patch at once.
#pragma once
#include "targets.cuh"
#include "votes.cuh"

// The box of the targets of a block.  The far edges are negated, so that all edges are minima.
enum Edge { TOP, MINUS_BOTTOM, LEFT, MINUS_RIGHT, EDGES };

// List the centres that can be the nearest to a target in the box, in their order.  Return their
// number.  A centre is left out if its distance from the box is larger than the distance of some
// other centre from the box's farthest corner.
__device__ inline int choose_centers(const Task& task, const Box& box, int count,
                                     unsigned short* chosen, float* scratch, int* totals) {
    float bound[1] = {LARGEST};
    for (int index = thread_of_block(); index < count; index += threads_of_block()) {
        bound[0] = min(bound[0], farthest(box, task.center_y[index], task.center_x[index]));
    }
    block_min(bound, scratch);
    int found = 0;
    for (int first = 0; first < count; first += threads_of_block()) {
        const int index = first + thread_of_block();
        const bool is_near = index < count
            && closest(box, task.center_y[index], task.center_x[index]) <= bound[0];
        int all;
        const int slot = found + block_sum_before(is_near, totals, &all);
        if (is_near) {
            chosen[slot] = static_cast<unsigned short>(index);
        }
        found += all;
    }
    __syncthreads();
    return found;
}

// Return the one centre that can be the nearest to a target in the box; -1 if there are several.
__device__ inline int only_center(const Box& box, const float* near_y, const float* near_x,
                                  int count) {
    float bound = LARGEST;
    for (int index = 0; index < count; ++index) {
        bound = min(bound, farthest(box, near_y[index], near_x[index]));
    }
    int only = -1, found = 0;
    for (int index = 0; index < count; ++index) {
        if (closest(box, near_y[index], near_x[index]) <= bound) {
            only = index;
            ++found;
        }
    }
    return found == 1 ? only : -1;
}

// One thread for each patch writes its code, tallies a decided patch, and lists an open one.
template <class Head>
__device__ void assign_patches(Tasks tasks) {
    __shared__ Extents extents;
    __shared__ unsigned short chosen[MOST_CENTERS];
    __shared__ float near_y[MOST_CENTERS], near_x[MOST_CENTERS];
    __shared__ float scratch[MOST_THREADS / 32 * EDGES];
    __shared__ int totals[33];
    const Task& task = tasks[blockIdx.z];
    const Canvas& canvas = task.canvas;
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    Patch patch = {row, column, 0, 0, 0, 0};
    if (row < canvas.rows && column < canvas.columns) {
        patch = patch_at(canvas, row, column);
    }
    extents.clear();
    int code = NO_KEY;
    Box box = {LARGEST, -LARGEST, LARGEST, -LARGEST};
    if (!patch.is_empty()) {
        const Corners corners = corners_of(canvas, patch);
        code = common_code(task, corners);
        if (code >= THING && code != OPEN) {
            box = targets_of<Head>(task, patch, corners);
        }
    }
    const int centers = *canvas.instance_count;
    float edges[EDGES] = {box.top, -box.bottom, box.left, -box.right};
    block_min(edges, scratch);                          // its barriers also end the clearing
    int key = code != OPEN && code < THING ? code : NO_KEY;
    if (centers > 0 && edges[TOP] < LARGEST) {          // a patch of the block is a thing's
        const Box all = {edges[TOP], -edges[MINUS_BOTTOM], edges[LEFT], -edges[MINUS_RIGHT]};
        const int count = choose_centers(task, all, centers, chosen, scratch, totals);
        for (int index = thread_of_block(); index < count; index += threads_of_block()) {
            near_y[index] = task.center_y[chosen[index]];
            near_x[index] = task.center_x[chosen[index]];
        }
        __syncthreads();
        if (code >= THING && code != OPEN) {
            const int only = only_center(box, near_y, near_x, count);
            if (only < 0) {
                code = OPEN;
            } else {
                key = instance_key(chosen[only], code - THING);
                code = INSTANCE + chosen[only];
            }
        }
    }
    if (!patch.is_empty()) {
        canvas.patch_code[row * canvas.columns + column] = static_cast<unsigned short>(code);
    }
    list_open(canvas, code == OPEN, patch, totals);
    const auto count_here = [&](int of, const Extent& extent) { count_pixels(task, of, extent); };
    add_patches(extents, key, patch, count_here);
    __syncthreads();
    extents.flush(count_here);
}
