// The camera image at the network's resolution.
#pragma once
#include "task.cuh"
#include "warp.cuh"

constexpr int RESIZE_COLUMNS = 32, RESIZE_ROWS = 8;

// The pixels of the camera that one pixel of the network covers along an axis, as OpenCV's
// INTER_AREA weighs them.
struct Span {
    int first, last;
    float weight_first, weight_between, weight_last;
};

__device__ inline Span cover(int pixel, int pixels, int camera_pixels) {
    const double ratio = static_cast<double>(camera_pixels) / pixels;
    const double start = pixel * ratio, end = min(start + ratio, double(camera_pixels));
    const double width = min(ratio, camera_pixels - start);
    Span span;
    const int inner = min(static_cast<int>(ceil(start)), camera_pixels - 1);
    const int outer = min(static_cast<int>(floor(end)), camera_pixels - 1);
    const bool partly_first = inner - start > 1e-3, partly_last = end - outer > 1e-3;
    span.first = partly_first ? inner - 1 : inner;
    span.last = partly_last ? outer : outer - 1;
    span.weight_between = static_cast<float>(1.0 / width);
    span.weight_first = partly_first ? static_cast<float>((inner - start) / width)
        : span.weight_between;
    span.weight_last = partly_last
        ? static_cast<float>(min(min(end - outer, 1.0), width) / width) : span.weight_between;
    return span;
}

__device__ inline float weight_in(const Span& span, int pixel) {
    return pixel == span.first ? span.weight_first
        : pixel == span.last ? span.weight_last : span.weight_between;
}

// Two pixels of the camera and their shares of 2048, as OpenCV's INTER_LINEAR weighs bytes.
struct Pair {
    int before, after, share_before, share_after;
};

__device__ inline Pair straddle(int pixel, int pixels, int camera_pixels) {
    const double ratio = static_cast<double>(camera_pixels) / pixels;
    const float position = static_cast<float>((pixel + 0.5) * ratio - 0.5);
    const int before = static_cast<int>(floorf(position));
    const bool is_inside = before >= 0 && before < camera_pixels - 1;
    const float share = is_inside ? position - before : 0.0f;
    Pair pair;
    pair.before = max(0, min(before, camera_pixels - 1));
    pair.after = min(pair.before + 1, camera_pixels - 1);
    pair.share_before = static_cast<int>(rintf((1.0f - share) * 2048.0f));
    pair.share_after = static_cast<int>(rintf(share * 2048.0f));
    return pair;
}

__device__ inline float area_mean(const Task& task, const Span& rows, const Span& columns,
                                  int channel) {
    float sum = 0.0f;
    for (int y = rows.first; y <= rows.last; ++y) {
        const unsigned char* line = task.camera + static_cast<long long>(y) * task.step;
        float row = 0.0f;
        for (int x = columns.first; x <= columns.last; ++x) {
            row += line[3 * x + channel] * weight_in(columns, x);
        }
        sum += row * weight_in(rows, y);
    }
    return sum;
}

__device__ inline int bilinear(const Task& task, const Pair& rows, const Pair& columns,
                               int channel) {
    const unsigned char* above = task.camera + static_cast<long long>(rows.before) * task.step
        + channel;
    const unsigned char* below = task.camera + static_cast<long long>(rows.after) * task.step
        + channel;
    const int left = 3 * columns.before, right = 3 * columns.after;
    const int upper = above[left] * columns.share_before + above[right] * columns.share_after;
    const int lower = below[left] * columns.share_before + below[right] * columns.share_after;
    return ((rows.share_before * (upper >> 4) >> 16) + (rows.share_after * (lower >> 4) >> 16) + 2)
        >> 2;
}

// By area where the image shrinks along both axes, else bilinearly: as engine/fitting.py does.
// A block has RESIZE_ROWS rows of RESIZE_COLUMNS threads.
__device__ inline void resize(Tasks tasks) {
    __shared__ Span column_spans[RESIZE_COLUMNS], row_spans[RESIZE_ROWS];
    const Task& task = tasks[blockIdx.z];
    const int left = blockIdx.x * RESIZE_COLUMNS, top = blockIdx.y * RESIZE_ROWS;
    const int x = left + threadIdx.x, y = top + threadIdx.y;
    const bool shrinks = task.height > task.input_height && task.width > task.input_width;
    if (shrinks) {          // in double precision, which many GPUs are slow in: once a block
        const int column = thread_of_block(), row = column - RESIZE_COLUMNS;
        if (row < 0) {
            column_spans[column] = cover(left + column, task.input_width, task.width);
        } else if (row < RESIZE_ROWS) {
            row_spans[row] = cover(top + row, task.input_height, task.height);
        }
        __syncthreads();
    }
    if (x >= task.input_width || y >= task.input_height) {
        return;
    }
    unsigned char* pixel = task.network_input + 3 * (y * task.input_width + x);
    if (task.height == task.input_height && task.width == task.input_width) {
        const unsigned char* camera = task.camera + static_cast<long long>(y) * task.step + 3 * x;
        for (int channel = 0; channel < 3; ++channel) {
            pixel[channel] = camera[channel];
        }
    } else if (task.height == 2 * task.input_height && task.width == 2 * task.input_width) {
        const unsigned char* above = task.camera + 2ll * y * task.step + 6 * x;
        const unsigned char* below = above + task.step;
        for (int channel = 0; channel < 3; ++channel) {     // rounds half up, as OpenCV here
            pixel[channel] = static_cast<unsigned char>(
                (above[channel] + above[channel + 3] + below[channel] + below[channel + 3] + 2)
                >> 2);
        }
    } else if (shrinks) {
        const Span &rows = row_spans[threadIdx.y], &columns = column_spans[threadIdx.x];
        for (int channel = 0; channel < 3; ++channel) {
            pixel[channel] = static_cast<unsigned char>(
                min(rintf(area_mean(task, rows, columns, channel)), 255.0f));
        }
    } else {
        const Pair rows = straddle(y, task.input_height, task.height);
        const Pair columns = straddle(x, task.input_width, task.width);
        for (int channel = 0; channel < 3; ++channel) {
            pixel[channel] = static_cast<unsigned char>(bilinear(task, rows, columns, channel));
        }
    }
}
