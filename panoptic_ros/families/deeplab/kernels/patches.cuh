// A patch: the pixels that lie between the same four cells.  Most patches are decided as a whole.
#pragma once
#include "upsampling.cuh"

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

__device__ inline Patch patch_at(const Task& task, int row, int column) {
    return {row, column, task.row_start[row], task.row_start[row + 1], task.column_start[column],
            task.column_start[column + 1]};
}

// A patch in a list; no axis has so many cells that 16 bits do not hold their number.
__device__ inline unsigned pack(const Patch& patch) {
    return static_cast<unsigned>(patch.row) << 16 | patch.column;
}

__device__ inline Patch unpack(const Task& task, unsigned packed) {
    return patch_at(task, packed >> 16, packed & 0xffffu);
}

// The part of the open patches that one of several blocks serves, half-open.
struct Share {
    unsigned start, end;
};

__device__ inline Share share_of_open(const Task& task, unsigned number, unsigned shares) {
    const unsigned open = *task.open_count, each = (open + shares - 1) / shares;
    return {min(number * each, open), min(number * each + each, open)};
}

// The four cells around a patch, as indices into a plane: above, below, each left and right.
struct Corners {
    int cell[4];

    __device__ int at(int corner) const {   // of a number that the compiler does not know
        const int left = corner < 2 ? cell[0] : cell[2], right = corner < 2 ? cell[1] : cell[3];
        return corner % 2 ? right : left;
    }
};

__device__ inline Corners corners_of(const Task& task, const Patch& patch) {
    const int above = patch.row * task.columns;
    const int below = min(patch.row + 1, task.rows - 1) * task.columns;
    const int after = min(patch.column + 1, task.columns - 1);
    return {{above + patch.column, above + after, below + patch.column, below + after}};
}

// The code of all four cells, or OPEN.  Where they agree, so do the pixels: no step of the
// interpolation turns the order of two logits round.  (At most rounding makes a lower class equal,
// which would then win by its id: a difference of less than rounding.)
__device__ inline int common_code(const Task& task, const Corners& corners) {
    const int code = task.cell_code[corners.cell[0]];
    for (int corner = 1; corner < 4; ++corner) {
        if (task.cell_code[corners.cell[corner]] != code) {
            return OPEN;
        }
    }
    return code;
}

// Where the offsets of a patch's pixels point.
struct Box {
    float top, bottom, left, right;
};

__device__ inline float squared_distance(float dy, float dx) {
    return dy * dy + dx * dx;
}

// From a point to the farthest, and to the nearest, point of a box.  Rounding keeps the order of
// distances, so what is farther here is not nearer to any target in the box.
__device__ inline float farthest(const Box& box, float y, float x) {
    return squared_distance(max(box.bottom - y, y - box.top), max(box.right - x, x - box.left));
}

__device__ inline float closest(const Box& box, float y, float x) {
    return squared_distance(max(max(box.top - y, y - box.bottom), 0.0f),
                            max(max(box.left - x, x - box.right), 0.0f));
}

template <class Head>
__device__ inline float offset_at(const Task& task, int axis, int cell) {
    return finite_offset(as_float(
        task.offset.as<Head>()[axis * task.rows * task.columns + cell]));
}

// The offset of a pixel between four cells.
template <class Head>
__device__ inline float upsample_offset(const Task& task, int axis, const Corners& corners,
                                        const Place& y, const Place& x) {
    return interpolate(y, x, offset_at<Head>(task, axis, corners.cell[0]),
                       offset_at<Head>(task, axis, corners.cell[1]),
                       offset_at<Head>(task, axis, corners.cell[2]),
                       offset_at<Head>(task, axis, corners.cell[3]));
}

template <class Head>
__device__ inline void bound_targets(const Task& task, const Corners& corners, int axis,
                                     float scale, int first, int end, float& low, float& high) {
    low = LARGEST;
    high = -LARGEST;
    for (int corner = 0; corner < 4; ++corner) {
        const float offset = offset_at<Head>(task, axis, corners.cell[corner]);
        low = min(low, offset);
        high = max(high, offset);
    }
    low -= fabsf(low) * 1e-6f + 1e-30f;     // more than the interpolation rounds
    high += fabsf(high) * 1e-6f + 1e-30f;
    low = static_cast<float>(first) + low * scale;
    high = static_cast<float>(end - 1) + high * scale;
}

template <class Head>
__device__ inline Box targets_of(const Task& task, const Patch& patch, const Corners& corners) {
    Box box;
    bound_targets<Head>(task, corners, 0, task.y_scale, patch.top, patch.bottom, box.top,
                        box.bottom);
    bound_targets<Head>(task, corners, 1, task.x_scale, patch.left, patch.right, box.left,
                        box.right);
    return box;
}
