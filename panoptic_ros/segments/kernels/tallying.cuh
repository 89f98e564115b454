// The sums over the pixels of each segment.  Each block first sums in shared memory.  Most blocks
// meet few segments, so each of their sums is added to global memory once.
#pragma once
#include "patches.cuh"

constexpr int SLOTS = 64;

// The key of pixels without a segment.
constexpr int NO_KEY = -1;

__device__ inline Tally& tally_of(const Canvas& canvas, int code) {
    return canvas.tallies[code < THING ? code : canvas.classes + code - INSTANCE];
}

// The pixels of one key: their number, the sums of their coordinates, and the box around them.
struct Extent {
    unsigned area;
    unsigned long long sum_x, sum_y;
    int x0, y0, x1, y1;
};

// A small table in shared memory that finds the slot of a key, or -1 if the table is full.
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

// The sums of a block.  The area has 32 bits, because shared memory adds 64 bits slowly.
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

// The extents of a block's pixels by key, in shared memory.  A key is a code, or tells more than a
// code.  An extent without room there goes to `serve(key, extent)` at once, and all others go
// there in `flush`.
struct Extents {
    KeyTable table;
    BlockTally sums[SLOTS];

    __device__ void clear() {               // all threads; a barrier must follow
        for (int slot = thread_of_block(); slot < SLOTS; slot += threads_of_block()) {
            table.keys[slot] = -1;
            sums[slot] = BlockTally();
        }
    }

    template <class Serve>
    __device__ void add(int key, const Extent& extent, Serve serve) {
        const int slot = table.find(key);
        if (slot >= 0) {                // two branches: the compiler knows the memory
            add_extent(sums[slot], extent);
        } else {
            serve(key, extent);
        }
    }

    template <class Serve>
    __device__ void flush(Serve serve) {    // all threads, after a barrier
        for (int slot = thread_of_block(); slot < SLOTS; slot += threads_of_block()) {
            const BlockTally& sum = sums[slot];
            if (table.keys[slot] >= 0) {
                const Extent extent = {sum.area, sum.sum_x, sum.sum_y, FAR - sum.from_x0,
                                       FAR - sum.from_y0, sum.x1, sum.y1};
                serve(table.keys[slot], extent);
            }
        }
    }
};

// Add the patches of a warp, which are all in one row, to the extents; `serve` as for Extents.
template <class Serve>
__device__ void add_patches(Extents& extents, int key, const Patch& patch, Serve serve) {
    const int start = __shfl_sync(EVERY_LANE, patch.left, 0);
    const int width = patch.right - patch.left;
    for_each_key(key, key != NO_KEY, [&](unsigned mask, int of, bool leads) {
        const bool own = key == of;
        const unsigned columns = warp_sum(own ? width : 0);
        const unsigned sum = warp_sum(          // sum of the columns' numbers, counted from `start`
            own ? width * (patch.left + patch.right - 1 - 2 * start) / 2 : 0);
        const int last = __shfl_sync(EVERY_LANE, patch.right, 31 - __clz(mask));
        if (!leads) {
            return;
        }
        const unsigned long long rows = patch.bottom - patch.top;
        const unsigned long long first_and_last_row = patch.top + patch.bottom - 1;
        const Extent extent = {static_cast<unsigned>(rows) * columns,
                               rows * (static_cast<unsigned long long>(start) * columns + sum),
                               rows * first_and_last_row / 2 * columns,
                               patch.left, patch.top, last, patch.bottom};
        extents.add(of, extent, serve);
    });
}

// Add the pixels of a warp, which are all in one patch, to the extents; `serve` as for Extents.
template <class Serve>
__device__ void add_pixels(Extents& extents, int key, const Patch& patch, int y, int x,
                           Serve serve) {
    for_each_key(key, key != NO_KEY, [&](unsigned mask, int of, bool leads) {
        const bool own = key == of;
        const unsigned area = __popc(mask);
        const unsigned long long sum_y = warp_sum(own ? y - patch.top : 0);
        const unsigned long long sum_x = warp_sum(own ? x - patch.left : 0);
        const int y0 = FAR - warp_max(own ? FAR - y : 0), x0 = FAR - warp_max(own ? FAR - x : 0);
        const int y1 = warp_max(own ? y + 1 : 0), x1 = warp_max(own ? x + 1 : 0);
        if (leads) {
            const Extent extent = {
                area, sum_x + static_cast<unsigned long long>(patch.left) * area,
                sum_y + static_cast<unsigned long long>(patch.top) * area, x0, y0, x1, y1};
            extents.add(of, extent, serve);
        }
    });
}
