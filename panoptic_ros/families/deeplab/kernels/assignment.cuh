// What is decided for all pixels of a patch at once: their class, and their instance.
#pragma once
#include "patches.cuh"
#include "tallying.cuh"

// The box of the targets of a block; the far edges negated, so that all are minima.
enum Edge { TOP, MINUS_BOTTOM, LEFT, MINUS_RIGHT, EDGES };

// List the centres that can be the nearest to a target in the box, in their order; return how
// many.  A centre is left out when it is farther from the box than the farthest corner of the box
// from another centre.
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

// The only one of some centres that can be the nearest to a target in the box, or -1.
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

// Add the patches of a warp, all in one row of them, to the extents of their segments.
__device__ inline void add_patches(const Task& task, Extents& extents, int key,
                                   const Patch& patch) {
    const int start = __shfl_sync(EVERY_LANE, patch.left, 0);
    const int width = patch.right - patch.left;
    for_each_key(key, key != NO_KEY, [&](unsigned mask, int of, bool leads) {
        const bool own = key == of;
        const unsigned columns = warp_sum(own ? width : 0);
        const unsigned sum = warp_sum(          // of the columns' numbers, from `start` on
            own ? width * (patch.left + patch.right - 1 - 2 * start) / 2 : 0);
        const int last = __shfl_sync(EVERY_LANE, patch.right, 31 - __clz(mask));
        if (!leads) {
            return;
        }
        const unsigned long long rows = patch.bottom - patch.top;
        const unsigned long long first_and_last_row = patch.top + patch.bottom - 1;
        extents.add(task, of, {static_cast<unsigned>(rows) * columns,
                               rows * (static_cast<unsigned long long>(start) * columns + sum),
                               rows * first_and_last_row / 2 * columns,
                               patch.left, patch.top, last, patch.bottom});
    });
}

// Keep the block's open patches for `settle_pixels`; `totals` is shared memory, [33].
__device__ inline void list_open(const Task& task, bool is_open, const Patch& patch,
                                 int* totals) {
    __shared__ int start;
    int all;
    const int before = block_sum_before(is_open, totals, &all);
    if (thread_of_block() == 0 && all > 0) {
        start = atomicAdd(&task.open_count[0], all);
    }
    __syncthreads();
    if (is_open) {
        task.open_patches[start + before] = pack(patch);
    }
}

// A thread for a patch: write its code, tally it if it is decided, list it if it is open.
template <class Head>
__device__ void assign_patches(Tasks tasks) {
    __shared__ Extents extents;
    __shared__ unsigned short chosen[MOST_CENTERS];
    __shared__ float near_y[MOST_CENTERS], near_x[MOST_CENTERS];
    __shared__ float scratch[MOST_THREADS / 32 * EDGES];
    __shared__ int totals[33];
    const Task& task = tasks[blockIdx.z];
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    Patch patch = {row, column, 0, 0, 0, 0};
    if (row < task.rows && column < task.columns) {
        patch = patch_at(task, row, column);
    }
    extents.clear();
    int code = NO_KEY;
    Box box = {LARGEST, -LARGEST, LARGEST, -LARGEST};
    if (!patch.is_empty()) {
        const Corners corners = corners_of(task, patch);
        code = common_code(task, corners);
        if (code >= THING && code != OPEN) {
            box = targets_of<Head>(task, patch, corners);
        }
    }
    const int centers = *task.center_count;
    float edges[EDGES] = {box.top, -box.bottom, box.left, -box.right};
    block_min(edges, scratch);                          // also: the table is clear now
    int key = code != OPEN && code < THING ? code : NO_KEY;
    if (centers > 0 && edges[TOP] < LARGEST) {          // some patch is of a thing
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
        task.patch_code[row * task.columns + column] = static_cast<unsigned short>(code);
    }
    list_open(task, code == OPEN, patch, totals);
    add_patches(task, extents, key, patch);
    __syncthreads();
    extents.flush(task);
}
