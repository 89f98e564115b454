// A patch: the pixels that lie between the same four cells.  Most patches are decided as a whole.
#pragma once
#include "upsampling.cuh"
#include "warp.cuh"

struct Patch {
    int row, column;                    // of the cell above and to the left
    int top, bottom, left, right;       // pixels, half-open; a small label image has empty patches

    __device__ bool is_empty() const {
        return top >= bottom || left >= right;
    }

    __device__ int pixels() const {
        return (bottom - top) * (right - left);
    }
};

__device__ inline Patch patch_at(const Canvas& canvas, int row, int column) {
    return {row, column, canvas.row_start[row], canvas.row_start[row + 1],
            canvas.column_start[column], canvas.column_start[column + 1]};
}

// Pack a patch for a list; 16 bits hold the number of a row or of a column of cells.
__device__ inline unsigned pack(const Patch& patch) {
    return static_cast<unsigned>(patch.row) << 16 | patch.column;
}

__device__ inline Patch unpack(const Canvas& canvas, unsigned packed) {
    return patch_at(canvas, packed >> 16, packed & 0xffffu);
}

// List the block's open patches; `totals` is shared memory, [33].
__device__ inline void list_open(const Canvas& canvas, bool is_open, const Patch& patch,
                                 int* totals) {
    __shared__ int start;
    int all;
    const int before = block_sum_before(is_open, totals, &all);
    if (thread_of_block() == 0 && all > 0) {
        start = atomicAdd(&canvas.open_count[0], all);
    }
    __syncthreads();
    if (is_open) {
        canvas.open_patches[start + before] = pack(patch);
    }
}

// The part of the open patches that one of several blocks serves, as a half-open range.
struct Share {
    unsigned start, end;
};

__device__ inline Share share_of_open(const Canvas& canvas, unsigned number, unsigned shares) {
    const unsigned open = *canvas.open_count, each = (open + shares - 1) / shares;
    return {min(number * each, open), min(number * each + each, open)};
}

// The four cells around a patch, as indices into a plane: above left and right, below left and
// right.
struct Corners {
    int cell[4];

    __device__ int at(int corner) const {   // a corner that the compiler does not know
        const int left = corner < 2 ? cell[0] : cell[2], right = corner < 2 ? cell[1] : cell[3];
        return corner % 2 ? right : left;
    }
};

__device__ inline Corners corners_of(const Canvas& canvas, const Patch& patch) {
    const int above = patch.row * canvas.columns;
    const int below = min(patch.row + 1, canvas.rows - 1) * canvas.columns;
    const int after = min(patch.column + 1, canvas.columns - 1);
    return {{above + patch.column, above + after, below + patch.column, below + after}};
}
