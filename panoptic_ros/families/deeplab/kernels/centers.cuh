// Finding the centres of things in the heatmap.
#pragma once
#include "heads.cuh"
#include "warp.cuh"

// A patch has no peak if its four cells are not over the threshold: no pixel between four cells is
// hotter than the hottest of them.
template <class Head>
__device__ bool may_have_peaks(const Task& task, const Patch& patch) {
    const Corners corners = corners_of(task.canvas, patch);
    const Head* plane = task.center.as<Head>();
    float hottest = -LARGEST;
    for (int corner = 0; corner < 4; ++corner) {
        hottest = max(hottest, finite_heat(as_float(plane[corners.cell[corner]])));
    }
    return hottest > task.threshold && !patch.is_empty();
}

template <class Head>
__device__ float heat_of(const Task& task, int y, int x) {
    return upsample_heat<Head>(task, locate_row(task.canvas, y), locate_column(task.canvas, x));
}

// Whether a neighbour of a pixel is hotter, as it is for most pixels.
template <class Head>
__device__ bool is_on_slope(const Task& task, int y, int x, float heat) {
    for (int side = 0; side < 4; ++side) {
        const int ny = y + (side == 0) - (side == 1), nx = x + (side == 2) - (side == 3);
        if (ny >= 0 && ny < task.canvas.height && nx >= 0 && nx < task.canvas.width
            && heat_of<Head>(task, ny, nx) > heat) {
            return true;
        }
    }
    return false;
}

// Whether a pixel is the hottest of the square around it.  The whole warp must call this function
// for the same pixel.
template <class Head>
__device__ bool is_maximum(const Task& task, int y, int x, float heat) {
    const int side = 2 * task.radius + 1;
    const int height = task.canvas.height, width = task.canvas.width;
    for (int first = 0; first < side * side; first += 32) {
        const int place = min(first + warp_lane(), side * side - 1);
        const int ny = y - task.radius + place / side, nx = x - task.radius + place % side;
        const bool is_hotter = ny >= 0 && ny < height && nx >= 0 && nx < width
            && heat_of<Head>(task, ny, nx) > heat;
        if (__ballot_sync(EVERY_LANE, is_hotter)) {
            return false;
        }
    }
    return true;
}

// Whether a peak touches an earlier one, row by row; both are then equally hot.  The whole warp
// must call this function for the same peak.
template <class Head>
__device__ bool touches_earlier_peak(const Task& task, int y, int x, float heat) {
    for (int side = 0; side < 4 && task.radius > 0; ++side) {   // three above, one to the left
        const int ny = y - (side < 3), nx = x - 1 + (side < 3 ? side : 0);
        if (ny >= 0 && nx >= 0 && nx < task.canvas.width && heat_of<Head>(task, ny, nx) == heat
            && is_maximum<Head>(task, ny, nx, heat)) {
            return true;
        }
    }
    return false;
}

// List the peaks of a patch: the pixels that are over the threshold and the maximum of the square
// around them.  A peak that touches an earlier one is left out.  The whole warp must call this
// function.
template <class Head>
__device__ void find_peaks(const Task& task, const Patch& patch) {
    const int width = patch.right - patch.left, pixels = patch.pixels();
    // If the square holds the whole patch, only the patch's hottest pixels can be peaks.
    const bool is_small = pixels <= 32 && task.radius >= max(width, patch.bottom - patch.top) - 1;
    for (int first = 0; first < pixels; first += 32) {
        const int place = min(first + warp_lane(), pixels - 1);
        const int y = patch.top + place / width, x = patch.left + place % width;
        const float heat = heat_of<Head>(task, y, x);
        bool may_be_peak = place == first + warp_lane() && heat > task.threshold;
        if (is_small) {                     // positive floats sort like their bits
            const unsigned bits = may_be_peak ? __float_as_uint(heat) : 0;
            may_be_peak &= bits == warp_max(bits);
        } else if (may_be_peak && task.radius > 0) {
            may_be_peak = !is_on_slope<Head>(task, y, x, heat);
        }
        unsigned candidates = __ballot_sync(EVERY_LANE, may_be_peak);
        while (candidates) {
            const int lane = __ffs(candidates) - 1;
            candidates &= candidates - 1;
            const int peak_y = __shfl_sync(EVERY_LANE, y, lane);
            const int peak_x = __shfl_sync(EVERY_LANE, x, lane);
            const float peak_heat = __shfl_sync(EVERY_LANE, heat, lane);
            if (is_maximum<Head>(task, peak_y, peak_x, peak_heat)
                && !touches_earlier_peak<Head>(task, peak_y, peak_x, peak_heat)
                && warp_lane() == lane) {
                task.peaks[atomicAdd(&task.peak_count[0], 1)] = y * task.canvas.width + x;
            }
        }
    }
}

constexpr int NO_PIXEL = 0x7fffffff;      // sorts behind all pixels

// Call `serve(pixel, heat)` for each peak, in one thread of the block.
template <class Head, class Serve>
__device__ void for_each_peak(const Task& task, int peaks, Serve serve) {
    for (int index = thread_of_block(); index < peaks; index += threads_of_block()) {
        const int pixel = __ldcg(&task.peaks[index]);
        serve(pixel, heat_of<Head>(task, pixel / task.canvas.width, pixel % task.canvas.width));
    }
}

// Return the top_k-th largest heat of many peaks; equal heats count several times.  The search
// goes by the bits of the heats, because positive floats sort like integers.
template <class Head>
__device__ float find_kth_heat(const Task& task, int peaks) {
    __shared__ int histogram[256];
    __shared__ unsigned chosen;
    __shared__ int rank;
    if (thread_of_block() == 0) {
        chosen = 0;
        rank = task.top_k;
    }
    for (int shift = 24; shift >= 0; shift -= 8) {
        for (int bin = thread_of_block(); bin < 256; bin += threads_of_block()) {
            histogram[bin] = 0;
        }
        __syncthreads();
        const unsigned prefix = chosen;
        for_each_peak<Head>(task, peaks, [&](int, float heat) {
            const unsigned bits = __float_as_uint(heat);
            if (shift == 24 || bits >> (shift + 8) == prefix >> (shift + 8)) {
                atomicAdd(&histogram[bits >> shift & 255], 1);
            }
        });
        __syncthreads();
        if (thread_of_block() == 0) {
            int bin = 255, left = rank;
            while (left > histogram[bin]) {
                left -= histogram[bin--];
            }
            rank = left;
            chosen |= static_cast<unsigned>(bin) << shift;
        }
        __syncthreads();
    }
    return __uint_as_float(chosen);
}

// List the centres row by row; one block serves an image.  A peak is a centre if fewer than top_k
// peaks, with itself, are at least as hot.
template <class Head>
__device__ void list_centers(const Task& task) {
    __shared__ int pixels[MOST_CENTERS];
    __shared__ float heats[MOST_CENTERS];
    __shared__ bool is_dropped[MOST_CENTERS];
    __shared__ int found, kept;
    const int thread = thread_of_block(), threads = threads_of_block();
    const int peaks = __ldcg(&task.peak_count[0]);
    if (thread == 0) {
        found = kept = 0;
    }
    // If the shared memory cannot hold all peaks, only those over the top_k-th heat are read.
    const float least = peaks > MOST_CENTERS ? find_kth_heat<Head>(task, peaks) : 0.0f;
    __syncthreads();
    for_each_peak<Head>(task, peaks, [&](int pixel, float heat) {
        if (heat > least) {
            const int place = atomicAdd(&found, 1);
            pixels[place] = pixel;
            heats[place] = heat;
        }
    });
    __syncthreads();
    if (peaks >= task.top_k) {
        for (int index = thread; index < found; index += threads) {
            int as_hot = 0;
#pragma unroll 4
            for (int other = 0; other < found; ++other) {
                as_hot += heats[other] >= heats[index];
            }
            is_dropped[index] = as_hot >= task.top_k;
        }
        __syncthreads();
        for (int index = thread; index < found; index += threads) {
            pixels[index] = is_dropped[index] ? NO_PIXEL : pixels[index];
        }
        __syncthreads();
    }
    for (int index = thread; index < found; index += threads) {
        const int pixel = pixels[index];
        if (pixel == NO_PIXEL) {
            continue;
        }
        int place = 0;                      // number of centres before this one
#pragma unroll 4
        for (int other = 0; other < found; ++other) {
            place += pixels[other] < pixel;
        }
        task.center_y[place] = static_cast<float>(pixel / task.canvas.width);
        task.center_x[place] = static_cast<float>(pixel % task.canvas.width);
        task.canvas.score[place] = heats[index];
        atomicAdd(&kept, 1);
    }
    __syncthreads();
    if (thread == 0) {
        *task.canvas.instance_count = kept;
    }
}
