// What the cells around a patch say of all its pixels.  A pixel's logit is between those of the
// cells, and the sigmoid never falls.  So the cells bound the product of score and probability.
#pragma once
#include "sigmoid.cuh"
#include "tile.cuh"

constexpr float TINY = 1e-30f;      // products below are taken for 0, where quick_sigmoid is none
constexpr float MARGIN = 1e-4f;     // more than the error of a product that quick_sigmoid gives
constexpr float LOG_MARGIN = 1e-3f; // more than the error of a difference of logarithms

// The least and the most that a query's logit can be in a patch, wider than rounding can bring it.
struct Range {
    float low, high;

    __device__ unsigned state(float least_logit) const {
        return low >= least_logit ? COVERS : high < least_logit ? LEAVES_OUT : CROSSES;
    }
};

// Return the range in the lane's patch of a row of the tile.  The whole warp must call this
// function.
template <int REACH>
__device__ inline Range range_of(const Cells<REACH>& cells, int index) {
    float low = cells.logit[index], high = cells.logit[index];
#pragma unroll
    for (int below = 1; below < REACH; ++below) {
        low = min(low, cells.logit[index + below]);
        high = max(high, cells.logit[index + below]);
    }
    const float own_low = low, own_high = high;
#pragma unroll
    for (int after = 1; after < REACH; ++after) {
        const int lane = min(warp_lane() + after, 31);
        low = min(low, __shfl_sync(EVERY_LANE, own_low, lane));
        high = max(high, __shfl_sync(EVERY_LANE, own_high, lane));
    }
    return {low - fabsf(low) * 1e-6f, high + fabsf(high) * 1e-6f};
}

// What a query must reach somewhere in a patch to own a pixel there, if another has at least
// `bound` in all pixels.
__device__ inline float needed_score(float bound) {
    return bound < TINY ? 0.0f : bound * (1.0f - MARGIN);
}

// The best of the queries' least scores in each patch of a lane, as far as a warp has seen them.
template <int REACH>
struct Bounds {
    float score[TILE_ROWS];
    float needed;       // log(score * probability) that a query must reach in the lane's cells

    __device__ void start(const Canvas& canvas, const Tile& tile) {
#pragma unroll
        for (int index = 0; index < TILE_ROWS; ++index) {
            score[index] = tile.patch<REACH>(canvas, index).is_empty() ? LARGEST : 0.0f;
        }
        needed = -LARGEST;
    }

    __device__ void raise(int index, const Range& range, float query_score) {
        score[index] = fmaxf(score[index], query_score * quick_sigmoid(range.low));
    }

    // Bring `needed` up to date.  The whole warp must call this function.
    __device__ void summarize() {
        float least = score[0];
#pragma unroll
        for (int index = 1; index < TILE_ROWS; ++index) {
            least = min(least, score[index]);
        }
        const float own = least;
#pragma unroll
        for (int before = 1; before < REACH; ++before) {    // their patches have the lane's cells
            least = min(least, __shfl_sync(EVERY_LANE, own, max(warp_lane() - before, 0)));
        }
        needed = least < TINY ? -LARGEST : __logf(least) - LOG_MARGIN;
    }

    // Whether a query whose logit is at most `logit` in the lane's cells can own a pixel around
    // them: log(sigmoid(logit)) is less than the logit and less than 0.
    __device__ bool admits(float logit, float log_score) const {
        return log_score + fminf(logit, 0.0f) >= needed;
    }
};
