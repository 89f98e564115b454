// Writing the labels, and the mean probability of the segments.
#pragma once
#include "patches.cuh"
#include "tallying.cuh"

// The probability of a segment's class in a cell.
template <class Head>
__device__ int probability_of(const Task& task, int class_id, int row, int column) {
    const int cell = row * task.columns + column;
    const int winner = task.cell_code[cell] % THING;
    if (winner == class_id) {
        return task.probability[cell];
    }
    return static_cast<int>(task.probability[cell]
                            * expf(logit_at<Head>(task, class_id, row, column)
                                   - logit_at<Head>(task, winner, row, column)));
}

// Sum of the probabilities over a patch: each pixel has that of its nearest cell.
template <class Head>
__device__ unsigned long long sum_probability(const Task& task, const Patch& patch,
                                              int class_id) {
    const int middle_y = max(patch.top, min(task.row_nearest[patch.row + 1], patch.bottom));
    const int middle_x = max(patch.left, min(task.column_nearest[patch.column + 1],
                                             patch.right));
    unsigned long long sum = 0;
    for (int corner = 0; corner < 4; ++corner) {
        const int below = corner / 2, after = corner % 2;
        const int height = below ? patch.bottom - middle_y : middle_y - patch.top;
        const int width = after ? patch.right - middle_x : middle_x - patch.left;
        if (height > 0 && width > 0) {
            sum += static_cast<unsigned long long>(height * width) * probability_of<Head>(
                task, class_id, patch.row + below, patch.column + after);
        }
    }
    return sum;
}

// The sums of probabilities of the segments in a block's pixels; in shared memory.
struct Probabilities {
    KeyTable table;
    unsigned long long sums[SLOTS];

    __device__ void clear() {               // all threads; a barrier must follow
        for (int slot = thread_of_block(); slot < SLOTS; slot += threads_of_block()) {
            table.keys[slot] = -1;
            sums[slot] = 0;
        }
    }

    // What each lane adds to a segment, or to none; the whole warp must come.
    __device__ void add(const Task& task, int code, unsigned long long value) {
        for_each_key(code, code != NO_KEY, [&](unsigned, int of, bool leads) {
            const unsigned long long sum = warp_sum_long(code == of ? value : 0);
            if (leads) {
                const int slot = table.find(of);
                if (slot >= 0) {
                    atomicAdd(&sums[slot], sum);
                } else {
                    atomicAdd(&tally_of(task, of).probability, sum);
                }
            }
        });
    }

    __device__ void flush(const Task& task) {       // all threads, after a barrier
        for (int slot = thread_of_block(); slot < SLOTS; slot += threads_of_block()) {
            if (table.keys[slot] >= 0) {
                atomicAdd(&tally_of(task, table.keys[slot]).probability, sums[slot]);
            }
        }
    }
};

// A warp for 32 patches of a row: a lane for each one's probability, then for a column of pixels.
template <class Head>
__device__ void paint_patches(const Task& task, Probabilities& sums, int row, int left) {
    const int column = left + warp_lane();
    int code = OPEN, label = UNLABELED;
    unsigned long long probability = 0;
    if (column < task.columns) {
        const Patch patch = patch_at(task, row, column);
        if (!patch.is_empty()) {
            code = task.patch_code[row * task.columns + column];
        }
        if (code != OPEN) {
            label = task.label_of[code];
        }
        if (label != UNLABELED) {
            probability = sum_probability<Head>(task, patch, task.class_of[code]);
        }
    }
    const int top = task.row_start[row], bottom = task.row_start[row + 1];
    const int end = task.column_start[min(left + 32, task.columns)];
    for (int first = task.column_start[left]; first < end; first += 32) {
        const int x = first + warp_lane();
        const int patch = x < end ? locate_column(task, x).before - left : 0;
        const int label_here = __shfl_sync(EVERY_LANE, label, patch);
        const int code_here = __shfl_sync(EVERY_LANE, code, patch);
        if (x < end && code_here != OPEN) {
            for (int y = top; y < bottom; ++y) {
                task.labels[y * task.width + x] = static_cast<unsigned short>(label_here);
            }
        }
    }
    sums.add(task, label != UNLABELED ? code : NO_KEY, probability);
}

// Turn the codes of open patches into labels, in place: a share of them for each block, a thread
// for a pixel.
template <class Head>
__device__ void paint_pixels(const Task& task, Probabilities& sums, const Share& share) {
    const unsigned width = task.patch_width, places = task.patch_height * width;
    const unsigned items = (share.end - share.start) * places;
    for (unsigned first = threadIdx.y * 32; first < items; first += threads_of_block()) {
        const unsigned item = first + warp_lane();
        int code = NO_KEY;
        unsigned long long probability = 0;
        if (item < items) {
            const Patch patch = unpack(task, task.open_patches[share.start + item / places]);
            const int y = patch.top + item % places / width;
            const int x = patch.left + item % places % width;
            if (y < patch.bottom && x < patch.right) {
                code = task.labels[y * task.width + x];
                const unsigned short label = task.label_of[code];
                task.labels[y * task.width + x] = label;
                if (label == UNLABELED) {
                    code = NO_KEY;
                } else {
                    probability = probability_of<Head>(
                        task, task.class_of[code],
                        patch.row + (y >= task.row_nearest[patch.row + 1]),
                        patch.column + (x >= task.column_nearest[patch.column + 1]));
                }
            }
        }
        sums.add(task, code, probability);
    }
}

// The first half of the blocks of a row paint patches, the others pixels.
template <class Head>
__device__ void paint_labels(Tasks tasks) {
    __shared__ Probabilities sums;
    const Task& task = tasks[blockIdx.z];
    const unsigned half = gridDim.x / 2;
    sums.clear();
    __syncthreads();
    if (blockIdx.x < half) {
        const int row = blockIdx.y * blockDim.y + threadIdx.y;
        if (row < task.rows) {
            paint_patches<Head>(task, sums, row, blockIdx.x * 32);
        }
    } else {
        paint_pixels<Head>(task, sums, share_of_open(
            task, (blockIdx.x - half) * gridDim.y + blockIdx.y, half * gridDim.y));
    }
    __syncthreads();
    sums.flush(task);
}
