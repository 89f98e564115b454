// The owners of the pixels of a tile, and the sums over the pixels of each.
#pragma once
#include "candidates.cuh"

constexpr int RUN = 4;                      // pixels, one below the other, that a lane decides

// Add the pixels of one query to its sums in global memory.
__device__ inline void add_claim(const Task& task, int number, const Claim& claim) {
    atomicAdd(&task.owned[number], claim.owned);
    if (claim.area) {
        Tally& tally = tally_of(task.canvas, INSTANCE + number);
        const Extent extent = {claim.area, claim.sum_x, claim.sum_y, FAR - claim.from_x0,
                               FAR - claim.from_y0, claim.x1, claim.y1};
        add_extent(tally, extent);
        atomicAdd(&tally.probability, claim.probability);
    }
}

// The cells that a pixel lies between, as indices into a plane.  Beyond the last cell is that cell.
template <int REACH>
struct Neighbors {
    int first, down[REACH - 1], right[REACH - 1];   // from one cell to the next

    __device__ Neighbors(const Canvas& canvas, int row, int column)
        : first(row * canvas.columns + column) {
#pragma unroll
        for (int step = 1; step < REACH; ++step) {
            down[step - 1] = row + step < canvas.rows ? canvas.columns : 0;
            right[step - 1] = column + step < canvas.columns;
        }
    }

    __device__ int at(int below, int after) const {
        int place = first;
#pragma unroll
        for (int step = 1; step < REACH; ++step) {
            place += (below >= step ? down[step - 1] : 0) + (after >= step ? right[step - 1] : 0);
        }
        return place;
    }
};

// The pixels of a lane: a run of at most RUN.
struct Run {
    float product[RUN];                     // score * probability of the owner
    int owner[RUN];     // 2 * a candidate of the tile, + 1 if its mask covers the pixel; or -1

    // Find the owner of each pixel of the run from `y` on, in a patch of some row of the tile.
    template <int REACH, class Logit>
    __device__ void find_owners(const Task& task, const Tile& tile, const Shared& shared,
                                int index, const Location& across, int y) {
        const Canvas& canvas = task.canvas;
        const int last = canvas.row_start[tile.row + index + 1] - 1;
        const Neighbors<REACH> neighbors(canvas, tile.row + index, across.cell);
#pragma unroll
        for (int step = 0; step < RUN; ++step) {
            product[step] = -1.0f;
            owner[step] = -1;
        }
#pragma unroll 1
        for (int word = 0; word * 32 < shared.candidates; ++word) {
            unsigned bits = candidates_in(shared, word, index, across.cell - tile.column);
#pragma unroll 1
            while (bits) {
                const int place = word * 32 + __ffs(bits) - 1;
                bits &= bits - 1;
                const Kept query = task.kept[shared.candidate[place]];
                const Logit* plane = plane_of<Logit>(task, query.query);
                float rows[REACH];
#pragma unroll
                for (int below = 0; below < REACH; ++below) {
                    float cells[REACH];
#pragma unroll
                    for (int after = 0; after < REACH; ++after) {
                        cells[after] = finite_logit(as_float(
                            plane[neighbors.at(below, after)]));
                    }
                    rows[below] = weigh<REACH>(across, cells);
                }
#pragma unroll
                for (int step = 0; step < RUN; ++step) {
                    const float logit = weigh<REACH>(
                        task.row_locations[min(y + step, last)], rows);
                    const float score = query.score * sigmoid(logit);
                    if (score > product[step]) {    // so the first one of equals stays
                        product[step] = score;
                        owner[step] = 2 * place + (logit >= task.least_logit);
                    }
                }
            }
        }
    }

    // Add the pixels of a warp's runs, the first of which are in column `x` and row `y`, to the
    // claims.  The whole warp must call this function; pixels without an owner count nowhere.
    __device__ void add(const Task& task, Shared& shared, int x, int y) const {
        const int lane = warp_lane();
        unsigned left = 0;                  // bits of the pixels that are not yet added
#pragma unroll
        for (int step = 0; step < RUN; ++step) {
            left |= owner[step] >= 0 ? 1u << step : 0;
        }
        for (unsigned lanes; (lanes = __ballot_sync(EVERY_LANE, left != 0)) != 0;) {
            int of = -1;                    // an owner of the first of these lanes
#pragma unroll
            for (int step = 0; step < RUN; ++step) {
                of = left >> step & 1 ? owner[step] >> 1 : of;
            }
            of = __shfl_sync(EVERY_LANE, of, __ffs(lanes) - 1);
            Claim claim = {};
            unsigned columns = 0, own = 0, sum = 0, sum_y = 0;
#pragma unroll
            for (int step = 0; step < RUN; ++step) {
                const bool owns = owner[step] >> 1 == of;
                const bool is_covered = owns && owner[step] & 1;
                const unsigned covered = __ballot_sync(EVERY_LANE, is_covered);
                const unsigned count = __popc(covered);
                left &= ~(static_cast<unsigned>(owns) << step);
                claim.owned += __popc(__ballot_sync(EVERY_LANE, owns));
                claim.area += count;
                columns |= covered;
                own += is_covered;
                sum += is_covered ? static_cast<unsigned>(product[step] * PROBABILITY_ONE) : 0;
                sum_y += count * step;
                if (covered) {
                    claim.from_y0 = max(claim.from_y0, FAR - (y + step));
                    claim.y1 = y + step + 1;
                }
            }
            const unsigned long long area = claim.area;
            claim.sum_x = warp_sum(own * lane) + area * x;
            claim.sum_y = sum_y + area * y;
            claim.probability = warp_sum(sum);
            claim.from_x0 = FAR - (x + __ffs(columns) - 1);
            claim.x1 = x + 32 - __clz(columns);
            if (lane == 0) {
                add_to(task, shared, of, claim);
            }
        }
    }

    __device__ static void add_to(const Task& task, Shared& shared, int place,
                                  const Claim& claim) {
        if (place >= SLOTS) {
            add_claim(task, shared.candidate[place], claim);
            return;
        }
        Claim& sums = shared.claims[place];
        atomicAdd(&sums.owned, claim.owned);
        if (claim.area) {
            const Extent extent = {claim.area, claim.sum_x, claim.sum_y, FAR - claim.from_x0,
                                   FAR - claim.from_y0, claim.x1, claim.y1};
            add_extent(sums, extent);
            atomicAdd(&sums.probability, claim.probability);
        }
    }
};

// Write the code of a pixel of an open patch, and the confidence of any pixel.
__device__ inline void write_pixel(const Task& task, const Shared& shared, const Run& run,
                                   int step, int place, bool is_open) {
    const bool is_covered = run.owner[step] >= 0 && run.owner[step] & 1;
    if (is_open) {
        task.canvas.labels[place] = is_covered ? shared.candidate[run.owner[step] >> 1] : NO_QUERY;
    }
    if (task.canvas.confidence.pointer) {
        const float product = is_covered ? run.product[step] : 0.0f;
        task.canvas.confidence[place] = static_cast<unsigned char>(product * 255.0f + 0.5f);
    }
}

// Decide the pixels of a tile.  A warp takes 32 columns of pixels of a row of patches at a time.
template <int REACH, class Logit>
__device__ void claim_tile(const Task& task, const Tile& tile, Shared& shared) {
    const Canvas& canvas = task.canvas;
    const int start = canvas.column_start[tile.column];
    const int end = canvas.column_start[min(tile.column + TILE_COLUMNS<REACH>, canvas.columns)];
    const int across = (end - start + 31) / 32;
    const int rows = min(TILE_ROWS, canvas.rows - tile.row);
    for (int part = threadIdx.y; part < across * rows; part += blockDim.y) {
        const int index = part / across, first = start + part % across * 32;
        const int x = first + warp_lane();
        const Location place = task.column_locations[min(x, end - 1)];
        const bool is_open = shared.state[index][place.cell - tile.column] == OPEN;
        const int bottom = canvas.row_start[tile.row + index + 1];
        for (int y = canvas.row_start[tile.row + index]; y < bottom; y += RUN) {
            Run run;
            run.find_owners<REACH, Logit>(task, tile, shared, index, place, y);
#pragma unroll
            for (int step = 0; step < RUN; ++step) {
                if (x < end && y + step < bottom) {
                    write_pixel(task, shared, run, step, (y + step) * canvas.width + x, is_open);
                } else {
                    run.owner[step] = -1;
                }
            }
            run.add(task, shared, first, y);
        }
    }
}

// Add what the block has summed to global memory.  All threads of the block must call this
// function.
__device__ inline void flush_claims(const Task& task, const Shared& shared) {
    for (int place = thread_of_block(); place < min(shared.candidates, SLOTS);
         place += threads_of_block()) {
        if (shared.claims[place].owned) {
            add_claim(task, shared.candidate[place], shared.claims[place]);
        }
    }
}
