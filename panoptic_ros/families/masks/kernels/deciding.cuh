// The kernel that decides all pixels: a block for each tile.
#pragma once
#include "claiming.cuh"
#include "judging.cuh"
#include "scanning.cuh"

__device__ inline void clear(Shared& shared) {
    const int thread = thread_of_block(), threads = threads_of_block();
    for (int place = thread; place < MOST_QUERIES / 32; place += threads) {
        shared.may_own[place] = 0;
    }
    for (int place = thread; place < TILE_ROWS * 32; place += threads) {
        shared.bound[place / 32][place % 32] = shared.state[place / 32][place % 32] = 0;
        for (int word = 0; word < WORDS; ++word) {
            shared.in_patch[word][place / 32][place % 32] = 0;
        }
    }
    for (int place = thread; place < SLOTS; place += threads) {
        shared.claims[place] = Claim();
    }
    if (thread == 0) {
        shared.hint = 0;
        shared.candidates = 0;
    }
}

// Whether an image has pixels in a tile.  A padded input has tiles without any.
template <int REACH>
__device__ inline bool has_pixels(const Canvas& canvas, const Tile& tile) {
    const int below = min(tile.row + TILE_ROWS, canvas.rows);
    const int after = min(tile.column + TILE_COLUMNS<REACH>, canvas.columns);
    return canvas.row_start[tile.row] < canvas.row_start[below]
        && canvas.column_start[tile.column] < canvas.column_start[after];
}

// All threads of the block must call this function.
template <int REACH, class Logit>
__device__ void decide_tile(const Task& task, const Tile& tile, Shared& shared) {
    const int kept = *task.canvas.instance_count;
    clear(shared);
    __syncthreads();
    find_hint<REACH, Logit>(task, tile, shared, kept);
    __syncthreads();
    scan<REACH, Logit>(task, tile, shared, kept);
    __syncthreads();
    list_candidates(shared, kept);
    __syncthreads();
    sort_candidates<REACH, Logit>(task, tile, shared);
    __syncthreads();
    decide_patches<REACH>(task.canvas, tile, shared);
    __syncthreads();
    claim_tile<REACH, Logit>(task, tile, shared);
    __syncthreads();
    flush_claims(task, shared);
}

// The last block to finish labels the queries.
template <int REACH, class Logit>
__device__ void decide_pixels(Tasks tasks) {
    __shared__ Shared shared;
    const Task& task = tasks[blockIdx.z];
    const Tile tile = tile_of_block<REACH>();
    if (has_pixels<REACH>(task.canvas, tile)) {
        decide_tile<REACH, Logit>(task, tile, shared);
    }
    if (is_last_block(&task.finished[1])) {
        judge_queries(task);
    }
}
