// Resizing camera images to the network's resolution.
#pragma once
#include "warp.cuh"

// One image of a camera and its place in the network's input; pipelines/resizing.py lays out the
// same fields.
struct Resizing {
    Global<const unsigned char> camera;     // [height, width, 3] B, G, R
    Global<unsigned char> network_input;    // [input_height, input_width, 3]
    int height, width;
    int input_height, input_width;
    int filled_height, filled_width;        // the upper left part of the input that the image fills
    unsigned char padding[3];               // B, G, R of the rest
};

using Resizings = const Resizing* __restrict__;     // the images of a batch

constexpr int RESIZE_COLUMNS = 32, RESIZE_ROWS = 8;

// The camera's pixels that one pixel of the network covers along an axis, with the weights of
// OpenCV's INTER_AREA.
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

// Two pixels of the camera and their shares of 2048, with the weights of OpenCV's INTER_LINEAR for
// bytes.
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

__device__ inline const unsigned char* row_of(const Resizing& image, int y) {
    return image.camera + 3ll * y * image.width;
}

__device__ inline float area_mean(const Resizing& image, const Span& rows, const Span& columns,
                                  int channel) {
    float sum = 0.0f;
    for (int y = rows.first; y <= rows.last; ++y) {
        const unsigned char* line = row_of(image, y);
        float row = 0.0f;
        for (int x = columns.first; x <= columns.last; ++x) {
            row += line[3 * x + channel] * weight_in(columns, x);
        }
        sum += row * weight_in(rows, y);
    }
    return sum;
}

__device__ inline int bilinear(const Resizing& image, const Pair& rows, const Pair& columns,
                               int channel) {
    const unsigned char* above = row_of(image, rows.before) + channel;
    const unsigned char* below = row_of(image, rows.after) + channel;
    const int left = 3 * columns.before, right = 3 * columns.after;
    const int upper = above[left] * columns.share_before + above[right] * columns.share_after;
    const int lower = below[left] * columns.share_before + below[right] * columns.share_after;
    return ((rows.share_before * (upper >> 4) >> 16) + (rows.share_after * (lower >> 4) >> 16) + 2)
        >> 2;
}

// Resize as engine/fitting.py does: by area if the image shrinks along both axes, else bilinearly.
// What the image does not fill gets the colour of the padding.
// A block has RESIZE_ROWS rows of RESIZE_COLUMNS threads.
__device__ inline void resize(Resizings images) {
    __shared__ Span column_spans[RESIZE_COLUMNS], row_spans[RESIZE_ROWS];
    const Resizing& image = images[blockIdx.z];
    const int left = blockIdx.x * RESIZE_COLUMNS, top = blockIdx.y * RESIZE_ROWS;
    const int x = left + threadIdx.x, y = top + threadIdx.y;
    const int height = image.filled_height, width = image.filled_width;
    const bool shrinks = image.height > height && image.width > width;
    if (shrinks) {          // once a block, as many GPUs are slow in double precision
        const int column = thread_of_block(), row = column - RESIZE_COLUMNS;
        if (row < 0) {
            column_spans[column] = cover(left + column, width, image.width);
        } else if (row < RESIZE_ROWS) {
            row_spans[row] = cover(top + row, height, image.height);
        }
        __syncthreads();
    }
    if (x >= image.input_width || y >= image.input_height) {
        return;
    }
    unsigned char* pixel = image.network_input + 3 * (y * image.input_width + x);
    if (x >= width || y >= height) {
        for (int channel = 0; channel < 3; ++channel) {
            pixel[channel] = image.padding[channel];
        }
    } else if (image.height == height && image.width == width) {
        const unsigned char* camera = row_of(image, y) + 3 * x;
        for (int channel = 0; channel < 3; ++channel) {
            pixel[channel] = camera[channel];
        }
    } else if (image.height == 2 * height && image.width == 2 * width) {
        const unsigned char* above = row_of(image, 2 * y) + 6 * x;
        const unsigned char* below = row_of(image, 2 * y + 1) + 6 * x;
        for (int channel = 0; channel < 3; ++channel) {     // rounds half up, as OpenCV here
            pixel[channel] = static_cast<unsigned char>(
                (above[channel] + above[channel + 3] + below[channel] + below[channel + 3] + 2)
                >> 2);
        }
    } else if (shrinks) {
        const Span &rows = row_spans[threadIdx.y], &columns = column_spans[threadIdx.x];
        for (int channel = 0; channel < 3; ++channel) {
            pixel[channel] = static_cast<unsigned char>(
                min(rintf(area_mean(image, rows, columns, channel)), 255.0f));
        }
    } else {
        const Pair rows = straddle(y, height, image.height);
        const Pair columns = straddle(x, width, image.width);
        for (int channel = 0; channel < 3; ++channel) {
            pixel[channel] = static_cast<unsigned char>(bilinear(image, rows, columns, channel));
        }
    }
}
