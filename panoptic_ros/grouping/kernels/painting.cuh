// Writing the labels, and measuring the segments on the way.
#pragma once
#include "upsampling.cuh"
#include "warp.cuh"

constexpr int SEGMENT_SLOTS = 32;
constexpr int NO_SEGMENT = -1;

// What a block sums of a segment: 32 bits relative to the block's corner, as shared memory adds
// 64 bits slowly.  The probability is split into its lower 16 bits and the others.
struct BlockTally {
    unsigned area, sum_x, sum_y, probability_low, probability_high;
    int from_x0, from_y0, x1, y1;
};

__device__ inline void add_in_block(BlockTally& tally, const BlockTally& part) {
    atomicAdd(&tally.area, part.area);
    atomicAdd(&tally.sum_x, part.sum_x);
    atomicAdd(&tally.sum_y, part.sum_y);
    atomicAdd(&tally.probability_low, part.probability_low);
    atomicAdd(&tally.probability_high, part.probability_high);
    atomicMax(&tally.from_x0, part.from_x0);
    atomicMax(&tally.from_y0, part.from_y0);
    atomicMax(&tally.x1, part.x1);
    atomicMax(&tally.y1, part.y1);
}

__device__ inline void add_to_image(Tally& tally, const BlockTally& part, int top, int left) {
    const unsigned long long area = part.area, probability = part.probability_high;
    atomicAdd(&tally.area, area);
    atomicAdd(&tally.sum_x, left * area + part.sum_x);
    atomicAdd(&tally.sum_y, top * area + part.sum_y);
    atomicAdd(&tally.probability, (probability << 16) + part.probability_low);
    atomicMax(&tally.from_x0, part.from_x0);
    atomicMax(&tally.from_y0, part.from_y0);
    atomicMax(&tally.x1, part.x1);
    atomicMax(&tally.y1, part.y1);
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
    __shared__ BlockTally sums[SEGMENT_SLOTS];
    const Task& task = tasks[blockIdx.z];
    const int top = blockIdx.y * blockDim.y * TILE_ROWS, left = blockIdx.x * 32;
    if (top >= task.height || left >= task.width) {     // the whole block
        return;
    }
    table.clear();
    for (int slot = thread_of_block(); slot < SEGMENT_SLOTS; slot += threads_of_block()) {
        sums[slot] = BlockTally();
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
            unsigned sum = code == key ? probability : 0;       // 32 times one fit into 32 bits
            for (int distance = 16; distance > 0; distance /= 2) {
                sum += __shfl_xor_sync(EVERY_LANE, sum, distance);
            }
            if (!leads) {
                return;
            }
            const int first = __ffs(mask) - 1, last = 31 - __clz(mask);
            const unsigned area = __popc(mask);
            unsigned lanes = 0;                         // sum of the numbers of the lanes
            for (int bit = 0; bit < 5; ++bit) {
                constexpr unsigned SET[] = {0xaaaaaaaau, 0xccccccccu, 0xf0f0f0f0u, 0xff00ff00u,
                                            0xffff0000u};
                lanes += __popc(mask & SET[bit]) << bit;
            }
            const BlockTally row = {
                area, lanes, (y - top) * area, sum & 0xffffu, sum >> 16, FAR - (left + first),
                FAR - y, left + last + 1, y + 1};
            const int slot = table.find(key);
            if (slot >= 0) {            // each its own branch: the compiler sees which memory
                add_in_block(sums[slot], row);
            } else {
                add_to_image(tally_of(task, key), row, top, left);
            }
        });
    }
    __syncthreads();
    for (int slot = thread_of_block(); slot < SEGMENT_SLOTS; slot += threads_of_block()) {
        if (table.keys[slot] >= 0) {
            add_to_image(tally_of(task, table.keys[slot]), sums[slot], top, left);
        }
    }
}
