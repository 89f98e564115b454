// The pixels of each mask, as bits.
#pragma once
#include "ordering.cuh"

// Where a pixel lies between the cells of a mask, along one axis: the cell before it, from -1 on,
// and the weight of the one after.
struct Between {
    int before;
    float weight;
};

__device__ inline Between locate_in_box(int pixel, float low, float high, int cells) {
    const float middle = static_cast<float>(pixel) + 0.5f;
    const float position = (middle - low) / (high - low) * static_cast<float>(cells) + 0.5f;
    const int before = min(static_cast<int>(position), cells);
    return {before - 1, position - static_cast<float>(before)};
}

// The probabilities of a mask, with zeros around them.
template <class Float>
struct Mask {
    const Float* cells;
    int side;

    __device__ float at(int row, int column) const {
        const bool is_cell = row >= 0 && row < side && column >= 0 && column < side;
        return is_cell ? unit(as_float(cells[row * side + column])) : 0.0f;
    }

    // The probability at a row of pixels, in a column of cells.
    __device__ float in_row(const Between& y, int column) const {
        const float upper = at(y.before, column);
        return upper + (at(y.before + 1, column) - upper) * y.weight;
    }

    __device__ bool has(const Between& y, const Between& x) const {
        const float before = in_row(y, x.before);
        return before + (in_row(y, x.before + 1) - before) * x.weight >= 0.5f;
    }
};

// blockIdx.x is a detection, and a warp has LINES rows of pixels, of which its lanes look at 32
// pixels at a time.
template <class Float>
__device__ void paste_masks(Tasks tasks) {
    const Task& task = tasks[blockIdx.z];
    const int index = blockIdx.x;
    if (index >= *task.canvas.instance_count) {
        return;
    }
    const Chosen chosen = task.chosen[index];
    const int words = chosen.words(), first = (blockIdx.y * blockDim.y + threadIdx.y) * LINES;
    const int top = max(first, chosen.pixels[1]), bottom = min(first + LINES, chosen.pixels[3]);
    if (top >= bottom || words == 0) {
        return;
    }
    const int side = task.side;
    const Mask<Float> mask = {
        task.masks.as<Float>() + static_cast<long long>(chosen.row) * side * side, side};
    unsigned count = 0;
    for (int word = chosen.first_word(); word < chosen.first_word() + words; ++word) {
        const int x = word * WORD + warp_lane();
        const bool is_column = x >= chosen.pixels[0] && x < chosen.pixels[2];
        const Between column = locate_in_box(is_column ? x : chosen.pixels[0], chosen.box[0],
                                             chosen.box[2], side);
        for (int y = top; y < bottom; ++y) {
            const Between row = locate_in_box(y, chosen.box[1], chosen.box[3], side);
            const unsigned bits = __ballot_sync(EVERY_LANE, is_column && mask.has(row, column));
            count += __popc(bits);
            if (warp_lane() == 0) {
                task.row_of_bits(index, y)[word] = bits;
            }
        }
    }
    if (warp_lane() == 0 && count) {
        atomicAdd(&task.area[index], count);
    }
}
