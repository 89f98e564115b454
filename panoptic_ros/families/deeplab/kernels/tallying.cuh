// What is summed over the pixels of each segment, by blocks at first: most meet few segments, and
// what they add reaches global memory once.
#pragma once
#include "warp.cuh"

constexpr int SLOTS = 64;

// The key of a pixel: its stuff class, or its centre and class; NO_KEY has no segment.
constexpr int NO_KEY = -1;

__device__ inline int instance_key(int center, int class_id) {
    return (center + 1) * INSTANCE + class_id;
}

__device__ inline int code_of(int key) {
    return key < INSTANCE ? key : INSTANCE + key / INSTANCE - 1;
}

__device__ inline Tally& tally_of(const Task& task, int code) {
    return task.tallies[code < THING ? code : task.classes + code - INSTANCE];
}

// Pixels of one key: how many, the sums of their coordinates, the box around them.
struct Extent {
    unsigned area;
    unsigned long long sum_x, sum_y;
    int x0, y0, x1, y1;
};

// A small table in shared memory that finds a slot for a key; -1 when it is full.
struct KeyTable {
    int keys[SLOTS];

    __device__ int find(int key) {
        const unsigned start = static_cast<unsigned>(key) * 2654435761u >> 16;  // Knuth's hash
        for (unsigned probe = 0; probe < 8; ++probe) {
            const int slot = (start + probe) % SLOTS;
            const int found = atomicCAS(&keys[slot], -1, key);
            if (found == -1 || found == key) {
                return slot;
            }
        }
        return -1;
    }
};

// What a block sums: shared memory adds 64 bits slowly.
struct BlockTally {
    unsigned long long sum_x, sum_y;
    unsigned area;
    int from_x0, from_y0, x1, y1;
};

template <class Sums>
__device__ inline void add_extent(Sums& tally, const Extent& extent) {
    atomicAdd(&tally.area, extent.area);
    atomicAdd(&tally.sum_x, extent.sum_x);
    atomicAdd(&tally.sum_y, extent.sum_y);
    atomicMax(&tally.from_x0, FAR - extent.x0);
    atomicMax(&tally.from_y0, FAR - extent.y0);
    atomicMax(&tally.x1, extent.x1);
    atomicMax(&tally.y1, extent.y1);
}

// Add pixels of a key to its segment in global memory, and to the votes of an instance.
__device__ inline void add_to_image(const Task& task, int key, const Extent& extent) {
    add_extent(tally_of(task, code_of(key)), extent);
    if (key >= INSTANCE) {
        atomicAdd(&task.votes[(key / INSTANCE - 1) * task.classes + key % INSTANCE],
                  static_cast<int>(extent.area));
    }
}

// The extents of the segments in a block's pixels; in shared memory.
struct Extents {
    KeyTable table;
    BlockTally sums[SLOTS];

    __device__ void clear() {               // all threads; a barrier must follow
        for (int slot = thread_of_block(); slot < SLOTS; slot += threads_of_block()) {
            table.keys[slot] = -1;
            sums[slot] = BlockTally();
        }
    }

    __device__ void add(const Task& task, int key, const Extent& extent) {
        const int slot = table.find(key);
        if (slot >= 0) {                // each its own branch: the compiler sees which memory
            add_extent(sums[slot], extent);
        } else {
            add_to_image(task, key, extent);
        }
    }

    __device__ void flush(const Task& task) {       // all threads, after a barrier
        for (int slot = thread_of_block(); slot < SLOTS; slot += threads_of_block()) {
            const BlockTally& sum = sums[slot];
            if (table.keys[slot] >= 0) {
                add_to_image(task, table.keys[slot], {
                    sum.area, sum.sum_x, sum.sum_y, FAR - sum.from_x0, FAR - sum.from_y0, sum.x1,
                    sum.y1});
            }
        }
    }
};
