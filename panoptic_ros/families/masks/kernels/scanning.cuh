// One look at all kept queries in a tile: what each patch is sure to reach, which queries may own a
// pixel, and how many pixels each mask covers.
#pragma once
#include "bounds.cuh"

constexpr unsigned HINT_BITS = 10;          // as many as the number of a query has

// Find the query that is likely to own most of the tile: the best one in the cell in its middle.
// Which one is found does not show in the results.  If its bounds are known first, most of the
// other queries can be left out.  Threads stand for queries; all of the block call this function.
template <int REACH, class Logit>
__device__ void find_hint(const Task& task, const Tile& tile, Shared& shared, int kept) {
    const Canvas& canvas = task.canvas;
    const int row = min(tile.row + TILE_ROWS / 2, canvas.rows - 1);
    const int column = min(tile.column + TILE_COLUMNS<REACH> / 2, canvas.columns - 1);
    for (int first = 0; first < kept; first += threads_of_block()) {
        const int index = first + thread_of_block();
        unsigned bits = 0;
        if (index < kept) {
            const Kept query = task.kept[index];
            const float logit = finite_logit(as_float(
                plane_of<Logit>(task, query.query)[row * canvas.columns + column]));
            const float product = query.score * quick_sigmoid(logit);
            bits = __float_as_uint(product) >> HINT_BITS << HINT_BITS | index;
        }
        bits = warp_max(bits);              // positive floats sort like their bits
        if (warp_lane() == 0) {
            atomicMax(&shared.hint, bits);
        }
    }
}

// The pixels of a lane's patches, for counting.
struct Pixels {
    int left, width;                        // of the lane's patches
    int shift;                              // 1 << shift is at least any width in the tile

    template <int REACH>
    __device__ void start(const Canvas& canvas, const Tile& tile) {
        const int column = tile.column + warp_lane();
        const bool is_patch = warp_lane() < TILE_COLUMNS<REACH> && column < canvas.columns;
        left = is_patch ? canvas.column_start[column] : 0;
        width = is_patch ? canvas.column_start[column + 1] - left : 0;
        shift = 32 - __clz(static_cast<int>(warp_max(width)) - 1);
    }
};

__device__ inline int height_of(const Canvas& canvas, int row) {
    return row < canvas.rows ? canvas.row_start[row + 1] - canvas.row_start[row] : 0;
}

// Count the pixels that a mask covers in the patches that it crosses, in a row of the tile.  The
// whole warp must call this function; the sum over its lanes is the number.  Lanes stand for
// pixels: of two patches at once, or of one patch that has more than 16.
template <int REACH>
__device__ unsigned count_crossed(const Task& task, const Tile& tile, const Pixels& pixels,
                                  const Cells<REACH>& cells, int index, unsigned crossed) {
    const int top = task.canvas.row_start[tile.row + index];
    const int items = height_of(task.canvas, tile.row + index) << pixels.shift;
    const int lanes = items > 16 ? 32 : 16, lane = warp_lane() % lanes;
    unsigned count = 0;
    while (crossed) {
        int source = __ffs(crossed) - 1;
        bool serves = true;
        crossed &= crossed - 1;
        if (lanes == 16) {
            const int second = __ffs(crossed) - 1;
            crossed &= crossed - 1;
            if (warp_lane() >= 16) {
                serves = second >= 0;
                source = max(second, 0);
            }
        }
        float corners[REACH][REACH];
#pragma unroll
        for (int below = 0; below < REACH; ++below) {
#pragma unroll
            for (int after = 0; after < REACH; ++after) {
                corners[below][after] = __shfl_sync(EVERY_LANE, cells.logit[index + below],
                                                    source + after);
            }
        }
        const int left = __shfl_sync(EVERY_LANE, pixels.left, source);
        const int width = __shfl_sync(EVERY_LANE, pixels.width, source);
        for (int item = lane; item < items && serves; item += lanes) {
            const int x = item & ((1 << pixels.shift) - 1);
            if (x >= width) {
                continue;
            }
            const Location across = task.column_locations[left + x];
            float rows[REACH];
#pragma unroll
            for (int below = 0; below < REACH; ++below) {
                rows[below] = weigh<REACH>(across, corners[below]);
            }
            const float logit = weigh<REACH>(task.row_locations[top + (item >> pixels.shift)],
                                             rows);
            count += logit >= task.least_logit;
        }
    }
    return count;
}

// Look at a warp's share of the queries.
template <int REACH, class Logit>
__device__ void scan(const Task& task, const Tile& tile, Shared& shared, int kept) {
    const Canvas& canvas = task.canvas;
    Bounds<REACH> bounds;
    Pixels pixels;
    bounds.start(canvas, tile);
    pixels.start<REACH>(canvas, tile);
    Cells<REACH> cells, next;
    int number = threadIdx.y;
    if (number < kept) {
        const Kept hint = task.kept[shared.hint & ((1u << HINT_BITS) - 1)];
        cells.template read<Logit>(task, tile, hint.query);
        next.template read<Logit>(task, tile, task.kept[number].query);
        cells.make_finite();
#pragma unroll
        for (int index = 0; index < TILE_ROWS; ++index) {
            bounds.raise(index, range_of(cells, index), hint.score);
        }
        bounds.summarize();
    }
    for (; number < kept; number += blockDim.y) {
        const Kept query = task.kept[number];
        cells = next;
        if (number + blockDim.y < kept) {   // they are read while these are looked at
            next.template read<Logit>(task, tile, task.kept[number + blockDim.y].query);
        }
        const float highest = cells.highest();
        const unsigned admits = __ballot_sync(EVERY_LANE,
                                              bounds.admits(highest, query.log_score));
        const unsigned covers = __ballot_sync(
            EVERY_LANE, highest + fabsf(highest) * 1e-6f >= task.least_logit);
        if (!(admits | covers)) {           // so it is for most queries
            continue;
        }
        cells.make_finite();
        unsigned covered = 0;
#pragma unroll
        for (int index = 0; index < TILE_ROWS; ++index) {
            const Range range = range_of(cells, index);
            bounds.raise(index, range, query.score);
            const unsigned state = range.state(task.least_logit);
            const int area = pixels.width * height_of(canvas, tile.row + index);
            covered += state == COVERS ? area : 0;
            const unsigned crossed = __ballot_sync(EVERY_LANE, state == CROSSES && area > 0);
            if (crossed) {
                covered += count_crossed(task, tile, pixels, cells, index, crossed);
            }
        }
        bounds.summarize();
        covered = warp_sum(covered);
        if (warp_lane() == 0) {
            if (admits) {
                atomicOr(&shared.may_own[number / 32], 1u << number % 32);
            }
            if (covered) {
                atomicAdd(&task.covered[number], covered);
            }
        }
    }
#pragma unroll
    for (int index = 0; index < TILE_ROWS; ++index) {
        atomicMax(&shared.bound[index][warp_lane()], __float_as_uint(bounds.score[index]));
    }
}
