// The class of each pixel, and the instance of each thing pixel: the centre nearest to where its
// offset points.
#pragma once
#include "upsampling.cuh"
#include "warp.cuh"

constexpr int TILE_ROWS = 4;            // rows of pixels that a thread serves
constexpr int COUNT_SLOTS = 64;

// Where the four cells around a pixel agree, so does it: no step of the interpolation turns the
// order of two values round.  Only the other pixels look at the logits.
template <class Head>
__device__ int classify(const Task& task, const Place& y, const Place& x) {
    const unsigned short* above = task.cell_code + y.before * task.columns;
    const unsigned short* below = task.cell_code + y.after * task.columns;
    const int code = above[x.before];
    if (above[x.after] == code && below[x.before] == code && below[x.after] == code) {
        return code;
    }
    const Corners corners = corners_of(task, y, x);
    const Head* plane = static_cast<const Head*>(task.semantic);
    const int cells = task.rows * task.columns;
    float best = -LARGEST;              // less than any logit
    int winner = 0;
#pragma unroll 4
    for (int class_id = 0; class_id < task.classes; ++class_id, plane += cells) {
        const float logit = upsample_logit(plane, corners, y, x);
        if (logit > best) {
            best = logit;
            winner = class_id;
        }
    }
    return task.is_thing[winner] ? THING + winner : winner;
}

// The box of the targets of a tile's thing pixels; the far edges negated, so that all are minima.
enum Edge { TOP, MINUS_BOTTOM, LEFT, MINUS_RIGHT, EDGES };

__device__ inline float squared_distance(float dy, float dx) {
    return dy * dy + dx * dx;
}

// List the centres that can be the nearest to a target in the box, in their order; return how
// many.  A centre is left out when it is farther from the box than the farthest corner of the box
// from another centre.  Rounding keeps the order of these distances, so the choice is exact.
__device__ inline int choose_centers(const Task& task, const float (&box)[EDGES], int count,
                                     unsigned short* chosen, float* scratch, int* totals) {
    const float y0 = box[TOP], y1 = -box[MINUS_BOTTOM], x0 = box[LEFT], x1 = -box[MINUS_RIGHT];
    float bound[1] = {LARGEST};
    for (int index = thread_of_block(); index < count; index += threads_of_block()) {
        const float y = task.center_y[index], x = task.center_x[index];
        const float dy = max(y1 - y, y - y0), dx = max(x1 - x, x - x0);
        bound[0] = min(bound[0], squared_distance(dy, dx));
    }
    block_min(bound, scratch);
    int found = 0;
    for (int first = 0; first < count; first += threads_of_block()) {
        const int index = first + thread_of_block();
        bool near = false;
        if (index < count) {
            const float y = task.center_y[index], x = task.center_x[index];
            const float dy = max(max(y0 - y, y - y1), 0.0f);
            const float dx = max(max(x0 - x, x - x1), 0.0f);
            near = squared_distance(dy, dx) <= bound[0];
        }
        int all;
        const int slot = found + block_sum_before(near, totals, &all);
        if (near) {
            chosen[slot] = static_cast<unsigned short>(index);
        }
        found += all;
    }
    __syncthreads();
    return found;
}

// Write the code of each pixel; count the pixels of stuff classes, and for each instance those of
// each class.  A block serves 32 columns and TILE_ROWS times as many rows as it has warps.
template <class Head>
__device__ void assign_pixels(Tasks tasks) {
    __shared__ KeyTable<COUNT_SLOTS> table;
    __shared__ int counts[COUNT_SLOTS];
    __shared__ unsigned short chosen[MOST_CENTERS];
    __shared__ float near_y[MOST_CENTERS], near_x[MOST_CENTERS];
    __shared__ float scratch[32 * EDGES];
    __shared__ int totals[33];
    const Task& task = tasks[blockIdx.z];
    const int top = blockIdx.y * blockDim.y * TILE_ROWS, left = blockIdx.x * 32;
    if (top >= task.height || left >= task.width) {     // the whole block
        return;
    }
    table.clear();
    for (int slot = thread_of_block(); slot < COUNT_SLOTS; slot += threads_of_block()) {
        counts[slot] = 0;
    }
    const int x = left + threadIdx.x;
    const Place column = locate_column(task, min(x, task.width - 1));
    int code[TILE_ROWS];
    float target_y[TILE_ROWS], target_x[TILE_ROWS];
    float box[EDGES] = {LARGEST, LARGEST, LARGEST, LARGEST};
#pragma unroll
    for (int step = 0; step < TILE_ROWS; ++step) {
        const int y = top + step * blockDim.y + threadIdx.y;
        code[step] = -1;
        if (y >= task.height || x >= task.width) {
            continue;
        }
        const Place row = locate_row(task, y);
        code[step] = classify<Head>(task, row, column);
        if (code[step] >= THING) {
            target_y[step] = static_cast<float>(y)
                + upsample_offset<Head>(task, 0, row, column) * task.y_scale;
            target_x[step] = static_cast<float>(x)
                + upsample_offset<Head>(task, 1, row, column) * task.x_scale;
            box[TOP] = min(box[TOP], target_y[step]);
            box[MINUS_BOTTOM] = min(box[MINUS_BOTTOM], -target_y[step]);
            box[LEFT] = min(box[LEFT], target_x[step]);
            box[MINUS_RIGHT] = min(box[MINUS_RIGHT], -target_x[step]);
        }
    }
    const int centers = *task.center_count;
    block_min(box, scratch);                            // also: the tables are clear now
    if (centers > 0 && box[TOP] < LARGEST) {            // some pixel is of a thing
        const int count = choose_centers(task, box, centers, chosen, scratch, totals);
        for (int index = thread_of_block(); index < count; index += threads_of_block()) {
            near_y[index] = task.center_y[chosen[index]];
            near_x[index] = task.center_x[chosen[index]];
        }
        __syncthreads();
#pragma unroll
        for (int step = 0; step < TILE_ROWS; ++step) {
            if (code[step] < THING) {
                continue;
            }
            float least = LARGEST;
            int nearest = 0;
            for (int index = 0; index < count; ++index) {
                const float distance = squared_distance(target_y[step] - near_y[index],
                                                        target_x[step] - near_x[index]);
                if (distance < least) {
                    least = distance;
                    nearest = index;
                }
            }
            code[step] = (chosen[nearest] + 1) * INSTANCE + code[step] - THING;
        }
    }
#pragma unroll
    for (int step = 0; step < TILE_ROWS; ++step) {      // code: class, or centre and class
        const int y = top + step * blockDim.y + threadIdx.y;
        if (code[step] >= 0) {
            task.labels[y * task.width + x] = static_cast<unsigned short>(
                code[step] < INSTANCE ? code[step] : INSTANCE + code[step] / INSTANCE - 1);
        }
        const bool counted = code[step] >= 0 && (code[step] < THING || code[step] >= INSTANCE);
        for_each_key(code[step], counted, [&](unsigned mask, int key, bool leads) {
            if (!leads) {
                return;
            }
            const int slot = table.find(key);
            if (slot >= 0) {
                atomicAdd(&counts[slot], __popc(mask));
            } else {
                atomicAdd(key < THING ? &task.areas[key]
                          : &task.votes[(key / INSTANCE - 1) * task.classes + key % INSTANCE],
                          __popc(mask));
            }
        });
    }
    __syncthreads();
    for (int slot = thread_of_block(); slot < COUNT_SLOTS; slot += threads_of_block()) {
        const int key = table.keys[slot];
        if (key >= 0) {
            atomicAdd(key < THING ? &task.areas[key]
                      : &task.votes[(key / INSTANCE - 1) * task.classes + key % INSTANCE],
                      counts[slot]);
        }
    }
}
