// A tile: the patches that a block decides, and what its threads share.  All warps of the block
// look at the whole tile, each with some of the queries.  A lane stands for a column of cells and
// for the patches to the right of it.
#pragma once
#include "patches.cuh"
#include "tallying.cuh"
#include "task.cuh"

constexpr int TILE_ROWS = 4;            // rows of patches
constexpr int TILE_THREADS = 128;       // most threads of a block
constexpr int WORDS = 10;               // of 32 bits, one for each candidate of a patch

// A pixel lies between REACH cells along each axis: two, or three if the image is resized twice.
// The right neighbours of a patch's cells are those of the next lanes.  So the last lanes have none.
template <int REACH>
constexpr int TILE_COLUMNS = 33 - REACH;

template <int REACH>
constexpr int TILE_CELLS = TILE_ROWS + REACH - 1;   // of a lane

// What the candidates of a patch do there, as bits.
constexpr unsigned COVERS = 1, LEAVES_OUT = 2, CROSSES = 4;

// The pixels of a candidate in a tile.
struct Claim {
    unsigned long long sum_x, sum_y, probability;   // over those that its mask covers
    unsigned area, owned;
    int from_x0, from_y0, x1, y1;
};

struct Shared {
    unsigned hint;                          // bits of a score; the last ones are a query's number
    int candidates;                         // in the whole tile
    unsigned may_own[MOST_QUERIES / 32];    // bits of the kept queries that are candidates
    unsigned short candidate[MOST_QUERIES]; // their numbers among the kept queries, ascending
    unsigned bound[TILE_ROWS][32];          // bits of the best of the queries' least scores
    unsigned in_patch[WORDS][TILE_ROWS][32];    // bits of the tile's candidates
    unsigned state[TILE_ROWS][32];          // what they do; later the code of the patch
    Claim claims[SLOTS];                    // of the first candidates
};

struct Tile {
    int row, column;                        // of its first patch

    // The lane's patch in a row of the tile.  It is empty in lanes and rows without a patch.
    template <int REACH>
    __device__ Patch patch(const Canvas& canvas, int index) const {
        const int patch_row = row + index, patch_column = column + warp_lane();
        if (warp_lane() >= TILE_COLUMNS<REACH> || patch_row >= canvas.rows
            || patch_column >= canvas.columns) {
            return {patch_row, patch_column, 0, 0, 0, 0};
        }
        return patch_at(canvas, patch_row, patch_column);
    }
};

template <int REACH>
__device__ inline Tile tile_of_block() {
    return {static_cast<int>(blockIdx.y) * TILE_ROWS,
            static_cast<int>(blockIdx.x) * TILE_COLUMNS<REACH>};
}

template <class Logit>
__device__ inline const Logit* plane_of(const Task& task, int query) {
    return task.masks.as<Logit>()
        + static_cast<long long>(query) * (task.canvas.rows * task.canvas.columns);
}

// The logits of a query in a lane's cells of a tile.
template <int REACH>
struct Cells {
    float logit[TILE_CELLS<REACH>];

    template <class Logit>
    __device__ void read(const Task& task, const Tile& tile, int query) {
        const Canvas& canvas = task.canvas;
        const Logit* column = plane_of<Logit>(task, query)
            + min(tile.column + warp_lane(), canvas.columns - 1);
#pragma unroll
        for (int index = 0; index < TILE_CELLS<REACH>; ++index) {
            logit[index] = as_float(
                column[min(tile.row + index, canvas.rows - 1) * canvas.columns]);
        }
    }

    __device__ void make_finite() {
#pragma unroll
        for (int index = 0; index < TILE_CELLS<REACH>; ++index) {
            logit[index] = finite_logit(logit[index]);
        }
    }

    __device__ float highest() const {      // NaN counts as the lowest logit
        float most = -LIMIT;
#pragma unroll
        for (int index = 0; index < TILE_CELLS<REACH>; ++index) {
            most = fmaxf(most, logit[index]);
        }
        return most;
    }
};
