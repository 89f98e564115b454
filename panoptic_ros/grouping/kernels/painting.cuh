// Writing the labels, and measuring the segments on the way.
#pragma once
#include "upsampling.cuh"
#include "warp.cuh"

constexpr int SEGMENT_SLOTS = 32;
constexpr int NO_SEGMENT = -1;

__device__ inline void add_to(Tally& tally, unsigned long long area, unsigned long long sum_x,
                              unsigned long long sum_y, unsigned long long probability,
                              int from_x0, int from_y0, int x1, int y1) {
    atomicAdd(&tally.area, area);
    atomicAdd(&tally.sum_x, sum_x);
    atomicAdd(&tally.sum_y, sum_y);
    atomicAdd(&tally.probability, probability);
    atomicMax(&tally.from_x0, from_x0);
    atomicMax(&tally.from_y0, from_y0);
    atomicMax(&tally.x1, x1);
    atomicMax(&tally.y1, y1);
}

__device__ inline Tally& tally_of(const Task& task, int code) {
    return task.tallies[code < THING ? code : task.classes + code - INSTANCE];
}

// The probability of a segment's class in a cell.
template <class Head>
__device__ int probability_of(const Task& task, int class_id, int row, int column) {
    const int cell = row * task.columns + column;
    const int winner = task.cell_code[cell] % THING;
    if (winner == class_id) {
        return task.probability[cell];
    }
    return static_cast<int>(task.probability[cell]
                            * expf(logit_at<Head>(task, class_id, row, column)
                                   - logit_at<Head>(task, winner, row, column)));
}

// Turn codes into labels, in place, and tally the segments.  A block serves 32 columns and
// TILE_ROWS times as many rows as it has warps.
template <class Head>
__device__ void paint_labels(Tasks tasks) {
    __shared__ KeyTable<SEGMENT_SLOTS> table;
    __shared__ Tally sums[SEGMENT_SLOTS];
    const Task& task = tasks[blockIdx.z];
    const int top = blockIdx.y * blockDim.y * TILE_ROWS, left = blockIdx.x * 32;
    if (top >= task.height || left >= task.width) {     // the whole block
        return;
    }
    table.clear();
    for (int slot = thread_of_block(); slot < SEGMENT_SLOTS; slot += threads_of_block()) {
        sums[slot] = Tally();
    }
    __syncthreads();
    const int x = left + threadIdx.x;
    const int column = nearest_column(task, x);
    for (int step = 0; step < TILE_ROWS; ++step) {
        const int y = top + step * blockDim.y + threadIdx.y;
        int code = NO_SEGMENT, probability = 0;
        if (y < task.height && x < task.width) {
            const int pixel = y * task.width + x;
            code = task.labels[pixel];
            const unsigned short label = task.label_of[code];
            task.labels[pixel] = label;
            if (label == UNLABELED) {
                code = NO_SEGMENT;
            } else {
                probability = probability_of<Head>(
                    task, task.class_of[code], nearest_row(task, y), column);
            }
        }
        for_each_key(code, code != NO_SEGMENT, [&](unsigned mask, int key, bool leads) {
            int sum = code == key ? probability : 0;    // 32 times one fit into an int
            for (int distance = 16; distance > 0; distance /= 2) {
                sum += __shfl_xor_sync(EVERY_LANE, sum, distance);
            }
            if (!leads) {
                return;
            }
            const int area = __popc(mask), first = __ffs(mask) - 1, last = 31 - __clz(mask);
            int lanes = 0;                              // sum of the numbers of the lanes
            for (int bit = 0; bit < 5; ++bit) {
                constexpr unsigned SET[] = {0xaaaaaaaau, 0xccccccccu, 0xf0f0f0f0u, 0xff00ff00u,
                                            0xffff0000u};
                lanes += __popc(mask & SET[bit]) << bit;
            }
            const int slot = table.find(key);
            add_to(slot >= 0 ? sums[slot] : tally_of(task, key), area,
                   static_cast<unsigned long long>(left) * area + lanes,
                   static_cast<unsigned long long>(y) * area, sum, FAR - (left + first), FAR - y,
                   left + last + 1, y + 1);
        });
    }
    __syncthreads();
    for (int slot = thread_of_block(); slot < SEGMENT_SLOTS; slot += threads_of_block()) {
        if (table.keys[slot] >= 0) {
            const Tally& sum = sums[slot];
            add_to(tally_of(task, table.keys[slot]), sum.area, sum.sum_x, sum.sum_y,
                   sum.probability, sum.from_x0, sum.from_y0, sum.x1, sum.y1);
        }
    }
}
