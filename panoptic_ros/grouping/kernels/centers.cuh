// Finding the centres of things in the heatmap.
#pragma once
#include "upsampling.cuh"
#include "warp.cuh"

template <class Head>
__device__ bool is_maximum(const Task& task, int y, int x, float value) {
    const int radius = task.radius;
    if (radius > 0) {                       // most pixels lie on a slope
        for (int side = 0; side < 4; ++side) {
            const int ny = y + (side == 0) - (side == 1), nx = x + (side == 2) - (side == 3);
            if (ny >= 0 && ny < task.height && nx >= 0 && nx < task.width
                && upsample_heat<Head>(task, locate_row(task, ny),
                                       locate_column(task, nx)) > value) {
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

// Mark the pixels over the threshold that are the maximum of the square around them: a warp for
// 32 pixels of a row.
template <class Head>
__device__ void find_peaks(Tasks tasks) {
    const Task& task = tasks[blockIdx.z];
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    const int word = blockIdx.x, lane = threadIdx.x, x = word * 32 + lane;
    if (y >= task.height || word >= task.words) {       // the whole warp
        return;
    }
    const Place row = locate_row(task, y);
    const Place column = locate_column(task, min(x, task.width - 1));
    const float corners[] = {heat_at<Head>(task, row.before, column.before),
                             heat_at<Head>(task, row.before, column.after),
                             heat_at<Head>(task, row.after, column.before),
                             heat_at<Head>(task, row.after, column.after)};
    const float value = interpolate(row, column, corners[0], corners[1], corners[2], corners[3]);
    const bool is_peak = x < task.width && value > task.threshold
        && is_maximum<Head>(task, y, x, value);
    const unsigned bits = __ballot_sync(EVERY_LANE, is_peak);
    if (lane == 0) {
        task.peaks[y * task.words + word] = bits;
        if (bits) {
            atomicAdd(&task.row_peaks[y], __popc(bits));
        }
    }
}

template <class Head>
__device__ float peak_heat(const Task& task, int y, int x) {
    return upsample_heat<Head>(task, locate_row(task, y),
                               locate_column(task, x));
}

// Call `serve(x, heat)` for the peaks of a row, each by some lane of the warp.
template <class Head, class Serve>
__device__ void for_each_peak(const Task& task, int y, Serve serve) {
    for (int word = warp_lane(); word < task.words; word += 32) {
        unsigned bits = task.peaks[y * task.words + word];
        while (bits) {
            const int x = word * 32 + __ffs(bits) - 1;
            bits &= bits - 1;
            serve(x, peak_heat<Head>(task, y, x));
        }
    }
}

// The top_k-th largest heat, equals counted: by its bits, as positive floats sort like integers.
template <class Head>
__device__ float find_kth_heat(const Task& task, int* histogram, unsigned* chosen, int* rank) {
    const int warp = thread_of_block() / 32, warps = threads_of_block() / 32;
    if (thread_of_block() == 0) {
        *chosen = 0;
        *rank = task.top_k;
    }
    for (int shift = 24; shift >= 0; shift -= 8) {
        for (int bin = thread_of_block(); bin < 256; bin += threads_of_block()) {
            histogram[bin] = 0;
        }
        __syncthreads();
        const unsigned prefix = *chosen;
        for (int y = warp; y < task.height; y += warps) {
            if (task.row_peaks[y] == 0) {
                continue;
            }
            for_each_peak<Head>(task, y, [&](int, float heat) {
                const unsigned bits = __float_as_uint(heat);
                if (shift == 24 || bits >> (shift + 8) == prefix >> (shift + 8)) {
                    atomicAdd(&histogram[bits >> shift & 255], 1);
                }
            });
        }
        __syncthreads();
        if (thread_of_block() == 0) {
            int bin = 255, left = *rank;
            while (left > histogram[bin]) {
                left -= histogram[bin--];
            }
            *rank = left;
            *chosen |= static_cast<unsigned>(bin) << shift;
        }
        __syncthreads();
    }
    return __uint_as_float(*chosen);
}

// Number the rows' peaks from the first row on, and list the rows that have some; return how many
// peaks there are.
__device__ inline int start_rows(const Task& task, int* totals, int* busy_count) {
    const int each = (task.height + threads_of_block() - 1) / threads_of_block();
    const int first = min(thread_of_block() * each, task.height);
    const int last = min(first + each, task.height);
    int count = 0, busy = 0, all, all_busy;
    for (int y = first; y < last; ++y) {
        count += task.row_peaks[y];
        busy += task.row_peaks[y] > 0;
    }
    int start = block_sum_before(count, totals, &all);
    int place = block_sum_before(busy, totals, &all_busy);
    for (int y = first; y < last; ++y) {
        const int peaks = task.row_peaks[y];
        if (peaks > 0) {
            task.busy_rows[place++] = y;
        }
        task.row_peaks[y] = start;
        start += peaks;
    }
    *busy_count = all_busy;
    __syncthreads();
    return all;
}

// List the centres row by row; one block for an image.
template <class Head>
__device__ void list_centers(Tasks tasks) {
    __shared__ int totals[33];
    __shared__ int histogram[256];
    __shared__ unsigned chosen;
    __shared__ int rank;
    const Task& task = tasks[blockIdx.z];
    const int warp = thread_of_block() / 32, warps = threads_of_block() / 32;
    const int lane = warp_lane();
    int count = 0, all;
    for (int y = thread_of_block(); y < task.height; y += threads_of_block()) {
        count += task.row_peaks[y];
    }
    block_sum_before(count, totals, &all);
    float least = 0.0f;                     // a centre's heat must exceed it
    if (all >= task.top_k) {
        least = find_kth_heat<Head>(task, histogram, &chosen, &rank);
        for (int y = warp; y < task.height; y += warps) {
            int kept = 0;
            if (task.row_peaks[y] > 0) {
                for_each_peak<Head>(task, y, [&](int, float heat) { kept += heat > least; });
            }
            for (int distance = 16; distance > 0; distance /= 2) {
                kept += __shfl_xor_sync(EVERY_LANE, kept, distance);
            }
            if (lane == 0) {
                task.row_peaks[y] = kept;
            }
        }
        __syncthreads();
    }
    int busy;
    all = start_rows(task, totals, &busy);
    if (thread_of_block() == 0) {
        *task.center_count = all;
    }
    for (int row = warp; row < busy; row += warps) {    // most have none
        const int y = task.busy_rows[row];
        int next = task.row_peaks[y];
        for (int first = 0; first < task.words; first += 32) {
            const int word = first + lane;
            unsigned bits = word < task.words ? task.peaks[y * task.words + word] : 0;
            unsigned kept = 0;
            while (bits) {
                const int bit = __ffs(bits) - 1;
                bits &= bits - 1;
                if (peak_heat<Head>(task, y, word * 32 + bit) > least) {
                    kept |= 1u << bit;
                }
            }
            int index = next + sum_before(__popc(kept), lane);
            next = __shfl_sync(EVERY_LANE, index + __popc(kept), 31);
            while (kept) {
                const int x = word * 32 + __ffs(kept) - 1;
                kept &= kept - 1;
                task.center_y[index] = static_cast<float>(y);
                task.center_x[index] = static_cast<float>(x);
                task.heat[index] = peak_heat<Head>(task, y, x);
                ++index;
            }
        }
    }
}
