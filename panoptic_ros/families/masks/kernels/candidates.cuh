// The candidates of each patch: the queries that can own one of its pixels.
#pragma once
#include "bounds.cuh"

// List the candidates of the tile.  All threads of the block must call this function.
__device__ inline void list_candidates(Shared& shared, int kept) {
    for (int number = thread_of_block(); number < kept; number += threads_of_block()) {
        const unsigned bits = shared.may_own[number / 32], bit = 1u << number % 32;
        if (bits & bit) {
            int place = __popc(bits & (bit - 1));
            for (int word = 0; word < number / 32; ++word) {
                place += __popc(shared.may_own[word]);
            }
            shared.candidate[place] = static_cast<unsigned short>(number);
            atomicAdd(&shared.candidates, 1);
        }
    }
}

// Find the candidates of each patch and what they do there.  Each warp serves some of the tile's
// candidates.  If there are too many to tell those of a patch from the others, all are candidates
// in all patches, and all patches are open.
template <int REACH, class Logit>
__device__ void sort_candidates(const Task& task, const Tile& tile, Shared& shared) {
    const int lane = warp_lane();
    float needed[TILE_ROWS];
    if (shared.candidates > 32 * WORDS) {
        for (int index = threadIdx.y; index < TILE_ROWS; index += blockDim.y) {
            shared.state[index][lane] = CROSSES;
            for (int word = 0; word < WORDS; ++word) {
                shared.in_patch[word][index][lane] = EVERY_LANE;
            }
        }
        return;
    }
#pragma unroll
    for (int index = 0; index < TILE_ROWS; ++index) {
        needed[index] = needed_score(__uint_as_float(shared.bound[index][lane]));
    }
    for (int place = threadIdx.y; place < shared.candidates; place += blockDim.y) {
        const Kept query = task.kept[shared.candidate[place]];
        Cells<REACH> cells;
        cells.template read<Logit>(task, tile, query.query);
        cells.make_finite();
#pragma unroll
        for (int index = 0; index < TILE_ROWS; ++index) {
            const Range range = range_of(cells, index);
            if (query.score * quick_sigmoid(range.high) >= needed[index]) {
                atomicOr(&shared.in_patch[place / 32][index][lane], 1u << place % 32);
                atomicOr(&shared.state[index][lane], range.state(task.least_logit));
            }
        }
    }
}

// The bits of a patch's candidates among 32 of the tile's.
__device__ inline unsigned candidates_in(const Shared& shared, int word, int index, int lane) {
    const int rest = shared.candidates - 32 * word;
    return shared.in_patch[min(word, WORDS - 1)][index][lane]
        & (rest < 32 ? (1u << rest) - 1 : EVERY_LANE);
}

// Return the code of a patch, or OPEN if its pixels may have several.
__device__ inline unsigned short common_code(const Shared& shared, int index, int lane) {
    const unsigned state = shared.state[index][lane];
    if (state == LEAVES_OUT || state == 0) {
        return NO_QUERY;
    }
    int found = 0, last = 0;
    for (int word = 0; word * 32 < shared.candidates && state == COVERS; ++word) {
        const unsigned bits = candidates_in(shared, word, index, lane);
        found += __popc(bits);
        last = bits ? word * 32 + 31 - __clz(bits) : last;
    }
    return found == 1 ? shared.candidate[last] : OPEN;
}

// Write the codes of the patches, also in the place of their states.  All threads of the block
// must call this function.
template <int REACH>
__device__ void decide_patches(const Canvas& canvas, const Tile& tile, Shared& shared) {
    for (int index = threadIdx.y; index < TILE_ROWS; index += blockDim.y) {
        const Patch patch = tile.patch<REACH>(canvas, index);
        if (!patch.is_empty()) {
            const unsigned short code = common_code(shared, index, warp_lane());
            canvas.patch_code[patch.row * canvas.columns + patch.column] = code;
            shared.state[index][warp_lane()] = code;
        }
    }
}
