// Writing the labels, and the mean probability of the segments.
#pragma once
#include "patches.cuh"
#include "tallying.cuh"

// The sums of the segments' probabilities over a block's pixels, in shared memory.
struct Probabilities {
    KeyTable table;
    unsigned long long sums[SLOTS];

    __device__ void clear() {               // all threads; a barrier must follow
        for (int slot = thread_of_block(); slot < SLOTS; slot += threads_of_block()) {
            table.keys[slot] = -1;
            sums[slot] = 0;
        }
    }

    // Add each lane's value to the segment of its code; NO_KEY adds nothing.  The whole warp must
    // call this function.
    __device__ void add(const Canvas& canvas, int code, unsigned long long value) {
        for_each_key(code, code != NO_KEY, [&](unsigned, int of, bool leads) {
            const unsigned long long sum = warp_sum_long(code == of ? value : 0);
            if (leads) {
                const int slot = table.find(of);
                if (slot >= 0) {
                    atomicAdd(&sums[slot], sum);
                } else {
                    atomicAdd(&tally_of(canvas, of).probability, sum);
                }
            }
        });
    }

    __device__ void flush(const Canvas& canvas) {   // all threads, after a barrier
        for (int slot = thread_of_block(); slot < SLOTS; slot += threads_of_block()) {
            if (table.keys[slot] >= 0) {
                atomicAdd(&tally_of(canvas, table.keys[slot]).probability, sums[slot]);
            }
        }
    }
};

// Return the sum of the probabilities over a patch; a pixel has the probability of its nearest
// cell.
template <class ProbabilityOf>
__device__ unsigned long long sum_probability(const Canvas& canvas, const Patch& patch, int code,
                                              ProbabilityOf probability_of) {
    const int middle_y = max(patch.top, min(canvas.row_nearest[patch.row + 1], patch.bottom));
    const int middle_x = max(patch.left, min(canvas.column_nearest[patch.column + 1],
                                             patch.right));
    unsigned long long sum = 0;
    for (int corner = 0; corner < 4; ++corner) {
        const int below = corner / 2, after = corner % 2;
        const int height = below ? patch.bottom - middle_y : middle_y - patch.top;
        const int width = after ? patch.right - middle_x : middle_x - patch.left;
        if (height > 0 && width > 0) {
            sum += static_cast<unsigned long long>(height * width)
                * probability_of(code, patch.row + below, patch.column + after);
        }
    }
    return sum;
}

// Paint 32 patches of a row by one warp.  A lane first stands for a patch, whose probability it
// sums, and then for a column of pixels.
template <class ProbabilityOf>
__device__ void paint_patches(const Canvas& canvas, Probabilities& sums, int row, int left,
                              ProbabilityOf probability_of) {
    const int column = left + warp_lane();
    int code = OPEN, label = UNLABELED;
    unsigned long long probability = 0;
    if (column < canvas.columns) {
        const Patch patch = patch_at(canvas, row, column);
        if (!patch.is_empty()) {
            code = canvas.patch_code[row * canvas.columns + column];
        }
        if (code != OPEN) {
            label = canvas.label_of[code];
        }
        if (label != UNLABELED) {
            probability = sum_probability(canvas, patch, code, probability_of);
        }
    }
    const int top = canvas.row_start[row], bottom = canvas.row_start[row + 1];
    const int end = canvas.column_start[min(left + 32, canvas.columns)];
    for (int first = canvas.column_start[left]; first < end; first += 32) {
        const int x = first + warp_lane();
        const int patch = x < end ? locate_column(canvas, x).before - left : 0;
        const int label_here = __shfl_sync(EVERY_LANE, label, patch);
        const int code_here = __shfl_sync(EVERY_LANE, code, patch);
        if (x < end && code_here != OPEN) {
            for (int y = top; y < bottom; ++y) {
                canvas.labels[y * canvas.width + x] = static_cast<unsigned short>(label_here);
            }
        }
    }
    sums.add(canvas, label != UNLABELED ? code : NO_KEY, probability);
}

// Turn the codes of open patches into labels, in place.  Each block has a share of the patches,
// and each thread has a pixel.
template <class ProbabilityOf>
__device__ void paint_pixels(const Canvas& canvas, Probabilities& sums, const Share& share,
                             ProbabilityOf probability_of) {
    const unsigned width = canvas.patch_width, places = canvas.patch_height * width;
    const unsigned items = (share.end - share.start) * places;
    for (unsigned first = threadIdx.y * 32; first < items; first += threads_of_block()) {
        const unsigned item = first + warp_lane();
        int code = NO_KEY;
        unsigned long long probability = 0;
        if (item < items) {
            const Patch patch = unpack(canvas, canvas.open_patches[share.start + item / places]);
            const int y = patch.top + item % places / width;
            const int x = patch.left + item % places % width;
            if (y < patch.bottom && x < patch.right) {
                code = canvas.labels[y * canvas.width + x];
                const unsigned short label = canvas.label_of[code];
                canvas.labels[y * canvas.width + x] = label;
                if (label == UNLABELED) {
                    code = NO_KEY;
                } else {
                    probability = probability_of(
                        code, patch.row + (y >= canvas.row_nearest[patch.row + 1]),
                        patch.column + (x >= canvas.column_nearest[patch.column + 1]));
                }
            }
        }
        sums.add(canvas, code, probability);
    }
}

// Write all labels, after the segments are numbered.  `probability_of(code, row, column)` returns
// the probability of a segment's class in a cell, with PROBABILITY_ONE for 1.  The first half of
// the blocks of a row paints patches, and the other half paints pixels.  A block has rows of 32
// threads.
template <class ProbabilityOf>
__device__ void paint(const Canvas& canvas, ProbabilityOf probability_of) {
    __shared__ Probabilities sums;
    const unsigned half = gridDim.x / 2;
    sums.clear();
    __syncthreads();
    if (blockIdx.x < half) {
        const int row = blockIdx.y * blockDim.y + threadIdx.y;
        if (row < canvas.rows) {
            paint_patches(canvas, sums, row, blockIdx.x * 32, probability_of);
        }
    } else {
        const Share share = share_of_open(
            canvas, (blockIdx.x - half) * gridDim.y + blockIdx.y, half * gridDim.y);
        paint_pixels(canvas, sums, share, probability_of);
    }
    __syncthreads();
    sums.flush(canvas);
}
