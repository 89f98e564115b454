// Finding the centres of things in the heatmap.
#pragma once
#include "patches.cuh"
#include "warp.cuh"

// No pixel is hotter than the hottest of the four cells around it, but for rounding.
template <class Head>
__device__ bool may_have_peaks(const Task& task, const Patch& patch) {
    const Corners corners = corners_of(task, patch);
    const Head* plane = task.center.as<Head>();
    float hottest = -LARGEST;
    for (int corner = 0; corner < 4; ++corner) {
        hottest = max(hottest, finite_heat(as_float(plane[corners.cell[corner]])));
    }
    return hottest * 1.000001f > task.threshold && !patch.is_empty();
}

template <class Head>
__device__ float heat_of(const Task& task, int y, int x) {
    return upsample_heat<Head>(task, locate_row(task, y), locate_column(task, x));
}

// Whether a pixel is over the threshold and the maximum of the square around it.
template <class Head>
__device__ bool is_peak(const Task& task, int y, int x) {
    const float value = heat_of<Head>(task, y, x);
    if (!(value > task.threshold)) {
        return false;
    }
    const int radius = task.radius;
    if (radius > 0) {                       // most pixels lie on a slope
        for (int side = 0; side < 4; ++side) {
            const int ny = y + (side == 0) - (side == 1), nx = x + (side == 2) - (side == 3);
            if (ny >= 0 && ny < task.height && nx >= 0 && nx < task.width
                && heat_of<Head>(task, ny, nx) > value) {
                return false;
            }
        }
    }
    for (int ny = max(y - radius, 0); ny <= min(y + radius, task.height - 1); ++ny) {
        const Place row = locate_row(task, ny);
        for (int nx = max(x - radius, 0); nx <= min(x + radius, task.width - 1); ++nx) {
            if (upsample_heat<Head>(task, row, locate_column(task, nx)) > value) {
                return false;
            }
        }
    }
    return true;
}

// Call `serve(pixel, heat)` for each peak, in some thread of the block.
template <class Head, class Serve>
__device__ void for_each_peak(const Task& task, int peaks, Serve serve) {
    for (int index = thread_of_block(); index < peaks; index += threads_of_block()) {
        const int pixel = __ldcg(&task.peaks[index]);
        serve(pixel, heat_of<Head>(task, pixel / task.width, pixel % task.width));
    }
}

// The top_k-th largest heat, equals counted: by its bits, as positive floats sort like integers.
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

// List the centres row by row; one block for an image.
template <class Head>
__device__ void list_centers(const Task& task) {
    __shared__ int pixels[MOST_CENTERS];
    __shared__ float heats[MOST_CENTERS];
    __shared__ int count;
    const int peaks = __ldcg(&task.peak_count[0]);
    if (thread_of_block() == 0) {
        count = 0;
    }
    float least = 0.0f;                     // a centre's heat must exceed it
    if (peaks >= task.top_k) {
        least = find_kth_heat<Head>(task, peaks);
    }
    __syncthreads();
    for_each_peak<Head>(task, peaks, [&](int pixel, float heat) {
        if (heat > least) {
            const int place = atomicAdd(&count, 1);
            pixels[place] = pixel;
            heats[place] = heat;
        }
    });
    __syncthreads();
    for (int index = thread_of_block(); index < count; index += threads_of_block()) {
        const int pixel = pixels[index];
        int place = 0;                      // how many come before
#pragma unroll 4
        for (int other = 0; other < count; ++other) {
            place += pixels[other] < pixel;
        }
        task.center_y[place] = static_cast<float>(pixel / task.width);
        task.center_x[place] = static_cast<float>(pixel % task.width);
        task.heat[place] = heats[index];
    }
    if (thread_of_block() == 0) {
        *task.center_count = count;
    }
}
